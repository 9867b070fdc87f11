//! The names in JSON that programs outside the project rely on.

use std::collections::BTreeMap;

use control::facts::{JobInfo, JobState, LinkTraffic, Own, Parties, PeerInfo, PeerOrigin, RunResult, Scale};
use control::{ErrorCode, Failure, Normalize, Privacy, Role, codec};

fn result() -> RunResult {
    RunResult {
        id: "7f3a".into(),
        dataset: "iris".into(),
        parties: Parties { hosts: vec!["a".into(), "b".into()], third_party: "t".into() },
        started_unix: 1_790_000_000,
        k: 2,
        metric: "euclidean".into(),
        privacy: Privacy::Open,
        normalize: Normalize::ZScore,
        seed: Some(7),
        rounds: 9,
        converged: true,
        attributes: vec!["x".into(), "y".into()],
        centres: vec![Some(vec![1.5, -2.0]), None],
        scale: Scale { mean: vec![0.5, 0.25], deviation: vec![1.0, 2.0] },
        sizes: None,
        inertia: Some(12.5),
        own: Own { rows: 3, sizes: vec![2, 1] },
        seconds: BTreeMap::from([("rounds".into(), 0.5)]),
        bytes: BTreeMap::from([("rounds".into(), 4096)]),
        messages: 20,
        links: vec![LinkTraffic {
            peer: "b".into(),
            sent_bytes: BTreeMap::from([("rounds".into(), 4000)]),
            received_bytes: BTreeMap::from([("rounds".into(), 96)]),
            sent_messages: 12,
            received_messages: 8,
        }],
        peak_memory_bytes: 1 << 20,
    }
}

#[test]
fn a_result_has_the_names_of_the_contract() {
    let expected = r#"{"id":"7f3a","dataset":"iris","parties":{"hosts":["a","b"],"third_party":"t"},
"started_unix":1790000000,"k":2,"metric":"euclidean","privacy":"open","normalize":"z-score","seed":7,"rounds":9,
"converged":true,"attributes":["x","y"],"centres":[[1.5,-2.0],null],
"scale":{"mean":[0.5,0.25],"deviation":[1.0,2.0]},"sizes":null,"inertia":12.5,"own":{"rows":3,"sizes":[2,1]},
"seconds":{"rounds":0.5},"bytes":{"rounds":4096},"messages":20,
"links":[{"peer":"b","sent_bytes":{"rounds":4000},"received_bytes":{"rounds":96},"sent_messages":12,"received_messages":8}],
"peak_memory_bytes":1048576}"#;
    assert_eq!(serde_json::to_string(&result()).unwrap(), expected.replace('\n', ""));
}

#[test]
fn facts_survive_both_encodings() {
    let job = JobInfo {
        id: "7f3a".into(),
        dataset: "iris".into(),
        state: JobState::Failed,
        step: "round".into(),
        round: 4,
        max_rounds: 300,
        lead: "a".into(),
        started_unix: 1,
        ended_unix: Some(2),
        result: None,
        failure: Some(Failure::new(ErrorCode::PeerFailed, "b hung up").with_hint("look there")),
    };
    let peer = PeerInfo {
        name: "t".into(),
        role: Role::ThirdParty,
        address: "t:7440".into(),
        fingerprint: "ab".repeat(32),
        datasets: Vec::new(),
        origin: PeerOrigin::Added,
        answers: Some(true),
        rtt_ms: Some(1.25),
        version: None,
        problem: None,
    };
    let facts = (result(), job, peer);
    let json = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<(RunResult, JobInfo, PeerInfo)>(&json).unwrap(), facts);
    for words in
        [r#""state":"failed""#, r#""code":"peer-failed""#, r#""role":"third-party""#, r#""origin":"added""#]
    {
        assert!(json.contains(words), "{words} in {json}");
    }
    let frames = codec::encode(&facts).unwrap();
    let read = codec::read(&mut frames.as_slice(), &mut codec::Decoder::new());
    assert_eq!(read.map(|read: (RunResult, JobInfo, PeerInfo)| read).unwrap(), facts);
}

#[test]
fn names_are_read_back_and_unknown_ones_list_the_known() {
    for name in Normalize::NAMES {
        assert_eq!(name.parse::<Normalize>().unwrap().as_str(), *name);
        assert_eq!(serde_json::from_str::<Normalize>(&format!("\"{name}\"")).unwrap().as_str(), *name);
    }
    let error = "zscore".parse::<Normalize>().unwrap_err().to_string();
    assert_eq!(error, "unknown normalisation (known: z-score, mean, range, none)");
}
