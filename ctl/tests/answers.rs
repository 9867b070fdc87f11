//! What the client prints, where, and the code it ends with.

#[expect(unreachable_pub, reason = "shared by two test programs")]
mod scripted;

use std::collections::BTreeMap;

use control::facts::{
    DatasetSummary, EstimateInfo, JobInfo, JobState, LinkTraffic, Network, Own, Parties, PeerInfo,
    PeerOrigin, PhaseCost, PluginInfo, Progress, RunResult, Scale, StatusInfo,
};
use control::hello::Hello;
use control::{ErrorCode, Failure, Normalize, Privacy, Request, Response, Role};
use scripted::{answers, client, code, conversation, raw, stderr, stdout};
use serde_json::Value;

fn peer() -> PeerInfo {
    PeerInfo {
        name: "clinic-b".into(),
        role: Role::Host,
        address: "clinic-b:7440".into(),
        fingerprint: "ab".repeat(32),
        datasets: vec!["patients".into()],
        origin: PeerOrigin::Settings,
        answers: Some(false),
        rtt_ms: None,
        version: None,
        problem: Some("clinic-b:7440: cannot connect (connection refused)".into()),
    }
}

fn dataset() -> DatasetSummary {
    DatasetSummary {
        name: "iris".into(),
        format: "xrff".into(),
        rows: 75,
        attributes: 5,
        bytes: 20_000,
        stored_bytes: 9_000,
        chunks: 1,
        uploaded_unix: 1_795_374_603,
    }
}

fn result() -> RunResult {
    RunResult {
        id: "7f3a".into(),
        dataset: "iris".into(),
        parties: Parties { hosts: vec!["a".into(), "b".into()], third_party: "t".into() },
        started_unix: 1_795_374_603,
        k: 2,
        metric: "euclidean".into(),
        privacy: Privacy::Open,
        normalize: Normalize::ZScore,
        seed: None,
        rounds: 9,
        converged: true,
        attributes: vec!["x".into(), "y, in \"cm\"".into()],
        centres: vec![Some(vec![1.5, -0.1]), None],
        scale: Scale { mean: vec![0.5, 0.25], deviation: vec![1.0, 2.0] },
        sizes: None,
        inertia: Some(12.5),
        own: Own { rows: 75, sizes: vec![74, 1] },
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

fn json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one document: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_failure_has_its_exit_code_its_words_and_its_json() {
    for failing in ErrorCode::ALL {
        let failure = || Failure::new(failing, "round 3: clinic-b hung up").with_hint("look there");
        let output = answers([Response::Failed(failure())]).run(&["datasets"]);
        assert_eq!(code(&output), i32::from(failing.exit_code()));
        assert_eq!(stdout(&output), "");
        assert_eq!(stderr(&output), "cloisterctl: round 3: clinic-b hung up\n  hint: look there\n");

        let output = answers([Response::Failed(failure())]).run(&["--json", "--quiet", "datasets"]);
        assert_eq!((code(&output), stdout(&output)), (i32::from(failing.exit_code()), ""));
        let error = &json(stderr(&output))["error"];
        assert_eq!(error["code"], failing.as_str());
        assert_eq!(
            (&error["message"], &error["hint"]),
            (&"round 3: clinic-b hung up".into(), &"look there".into())
        );
    }
}

fn plugin() -> PluginInfo {
    PluginInfo {
        name: "euclidean".into(),
        version: "1.0".into(),
        description: "squared Euclidean".into(),
        file: "/p/libeuclidean.so".into(),
        usable: true,
        default: true,
        problem: None,
    }
}

fn job(state: JobState) -> JobInfo {
    let failure =
        (state != JobState::Running).then(|| Failure::new(ErrorCode::Failed, "the run was cancelled"));
    JobInfo {
        id: "7f3a".into(),
        dataset: "iris".into(),
        state,
        step: "round".into(),
        round: 2,
        max_rounds: 300,
        lead: "clinic-a".into(),
        started_unix: 1_795_374_603,
        ended_unix: None,
        result: None,
        failure,
    }
}

#[test]
fn tables_leave_out_what_is_empty_and_say_why_a_job_failed() {
    let unsaid = PluginInfo { description: String::new(), ..plugin() };
    let output = answers([Response::Plugin(Box::new(unsaid))]).run(&["plugins", "check", "x.so"]);
    let titles: Vec<_> = stdout(&output).lines().next().unwrap().split_whitespace().collect();
    assert_eq!(titles, ["name", "version", "usable", "default", "file"]);

    let failure = Failure::new(ErrorCode::BadData, format!("clinic-b: {}", "no rows left ".repeat(20)));
    let failed = JobInfo { failure: Some(failure), ..job(JobState::Failed) };
    let output = answers([Response::Jobs(vec![failed, job(JobState::Running)])]).run(&["jobs", "list"]);
    let lines: Vec<_> = stdout(&output).lines().collect();
    assert!(lines[0].ends_with("failure") && lines[1].contains("clinic-b: no rows left"), "{lines:?}");
    assert!(lines[1].ends_with('…') && lines[1].chars().count() < 240, "{lines:?}");
    let output = answers([Response::Jobs(vec![job(JobState::Running)])]).run(&["jobs"]);
    assert!(!stdout(&output).contains("failure"), "{}", stdout(&output));
}

#[test]
fn lists_have_one_set_of_names_in_table_and_json() {
    let lists = [
        ("datasets", Response::Datasets(vec![dataset()])),
        ("peers", Response::Peers(vec![peer()])),
        ("jobs", Response::Jobs(vec![job(JobState::Failed)])),
        ("plugins", Response::Plugins(vec![plugin()])),
    ];
    for (name, response) in lists {
        let output = answers([response.clone()]).run(&[name, "--json"]);
        let document = json(stdout(&output));
        assert_eq!(document["schema"], format!("cloister.{name}/1"));
        let item = document["items"][0].as_object().unwrap();

        let output = answers([response]).run(&[name]);
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        for column in stdout(&output).lines().next().unwrap().split_whitespace() {
            assert!(item.contains_key(column), "{name}: {column} is no name in {item:?}");
        }
    }
}

#[test]
fn an_empty_list_is_a_list() {
    let output = answers([Response::Jobs(Vec::new())]).run(&["jobs", "list", "--json"]);
    assert_eq!(stdout(&output), "{\"schema\":\"cloister.jobs/1\",\"items\":[]}\n");
}

#[test]
fn status_warns_of_test_keys_and_shows_who_answers() {
    let status = StatusInfo {
        name: "clinic-a".into(),
        role: Role::Host,
        version: "0.1.0".into(),
        fingerprint: "cd".repeat(32),
        listen: "0.0.0.0:7440".into(),
        paillier_bits: 1024,
        test_keys: true,
        uptime_seconds: 12,
        metric: "euclidean".into(),
        datasets: 1,
        results: 0,
        jobs: Vec::new(),
        peers: vec![peer()],
        warnings: vec!["nobody backs this up".into()],
    };
    let output = answers([Response::Status(Box::new(status.clone()))]).run(&["status"]);
    for words in [
        "test_keys = true",
        "NOT for real data",
        "clinic-b:7440",
        "  cannot connect (connection refused)",
        "warning: nobody backs this up",
    ] {
        assert!(stdout(&output).contains(words), "{words} in {}", stdout(&output));
    }
    let output = answers([Response::Status(Box::new(status))]).run(&["status", "--json"]);
    let document = json(stdout(&output));
    assert_eq!(document["schema"], "cloister.status/1");
    assert_eq!(document["items"][0]["peers"][0]["answers"], false);
    assert_eq!(document["items"][0]["test_keys"], true);
}

#[test]
fn a_peer_that_does_not_answer_a_ping_is_a_failure() {
    let output = answers([Response::Peer(Box::new(peer()))]).run(&["peers", "ping", "clinic-b"]);
    assert_eq!((code(&output), stdout(&output)), (6, ""));
    let said = "cloisterctl: clinic-b at clinic-b:7440: cannot connect (connection refused)\n";
    assert!(stderr(&output).starts_with(said), "{}", stderr(&output));
}

#[test]
fn results_are_shown_and_exported() {
    let shown = answers([Response::Result(Box::new(result()))]).run(&["results", "show", "7f3a", "--json"]);
    let document = json(stdout(&shown));
    assert_eq!((&document["schema"], &document["id"]), (&"cloister.result/1".into(), &"7f3a".into()));
    assert_eq!(document["centres"][1], Value::Null);

    let arguments = ["results", "export", "7f3a", "--format", "json"];
    let exported = answers([Response::Result(Box::new(result()))]).run(&arguments);
    assert_eq!(stdout(&exported), stdout(&shown));

    let arguments = ["results", "export", "7f3a", "--format", "csv"];
    let exported = answers([Response::Result(Box::new(result()))]).run(&arguments);
    assert_eq!(stdout(&exported), "cluster,x,\"y, in \"\"cm\"\"\"\n0,1.5,-0.1\n1,,\n");

    let people = answers([Response::Result(Box::new(result()))]).run(&["results", "show", "7f3a"]);
    assert!(stdout(&people).contains("withheld") && stdout(&people).contains("12.5"), "{}", stdout(&people));
    let words: Vec<_> = stdout(&people).split_whitespace().collect();
    let scale =
        ["attribute", "mean", "deviation", "x", "0.5", "1", "y,", "in", "\"cm\"", "0.25", "2", "phase"];
    assert!(words.windows(scale.len()).any(|part| part == scale), "{}", stdout(&people));
}

fn run_of(responses: Vec<Response>) -> scripted::Scripted {
    conversation(|connection| {
        let Request::Cluster(request) = connection.receive().unwrap() else { panic!("no cluster request") };
        assert_eq!((request.dataset.as_str(), request.k, request.privacy), ("iris", 2, Privacy::Open));
        connection.send(&Response::JobStarted { id: "7f3a".into() }).unwrap();
        assert_eq!(connection.receive::<Request>().unwrap(), Request::WatchJob { id: "7f3a".into() });
        for response in responses {
            connection.send(&response).unwrap();
        }
        if let Ok(Request::ShowResult { id }) = connection.receive() {
            assert_eq!(id, "7f3a");
            connection.send(&Response::Result(Box::new(result()))).unwrap();
        }
    })
}

fn step(round: u32) -> Response {
    let step = "round".to_owned();
    let message = format!("round {round}");
    Response::Progress(Progress { step, round, max_rounds: 300, message, fraction: None })
}

const CLUSTER: [&str; 6] = ["cluster", "iris", "-k", "2", "--privacy", "open"];

#[test]
fn a_run_ends_with_its_result() {
    let finished = || vec![step(1), step(2), Response::Finished { result: Some("7f3a".into()) }];
    let output = run_of(finished()).run(&CLUSTER);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("euclidean"), "{}", stdout(&output));
    assert!(stderr(&output).contains("started job 7f3a") && stderr(&output).contains("\nround 1/300\n"));

    for silent in [&["--json"][..], &["--json", "--quiet"]] {
        let output = run_of(finished()).run(&[&CLUSTER[..], silent].concat());
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        assert_eq!(json(stdout(&output))["schema"], "cloister.result/1");
    }
}

#[test]
fn a_run_that_fails_says_why() {
    let failure = Failure::new(ErrorCode::PeerFailed, "clinic-b did not answer in round 2");
    let output = run_of(vec![step(1), Response::Failed(failure)]).run(&CLUSTER);
    assert_eq!((code(&output), stdout(&output)), (6, ""));
    assert!(
        stderr(&output).ends_with("cloisterctl: clinic-b did not answer in round 2\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_run_that_fails_is_one_document_under_json() {
    let failure = Failure::new(ErrorCode::PeerFailed, "clinic-b did not answer in round 2");
    let output = run_of(vec![step(1), Response::Failed(failure)]).run(&[&CLUSTER[..], &["--json"]].concat());
    assert_eq!((code(&output), stdout(&output)), (6, ""));
    assert_eq!(json(stderr(&output))["error"]["code"], "peer-failed");
}

#[test]
fn a_cancelled_run_says_where_that_was_done() {
    let watched = |state: Option<JobState>| {
        conversation(move |connection| {
            assert_eq!(connection.receive::<Request>().unwrap(), Request::WatchJob { id: "7f".into() });
            let failure = Failure::new(ErrorCode::Failed, "the run was cancelled");
            connection.send(&Response::Failed(failure)).unwrap();
            let Some(state) = state else { return };
            assert_eq!(connection.receive::<Request>().unwrap(), Request::Jobs);
            connection.send(&Response::Jobs(vec![job(state)])).unwrap();
        })
    };
    for (state, hint) in [
        (Some(JobState::Cancelled), "hint: somebody at this party cancelled it"),
        (Some(JobState::Failed), "hint: `cloisterctl jobs list` shows"),
        (None, "hint: `cloisterctl jobs list` shows"),
    ] {
        let output = watched(state).run(&["jobs", "watch", "7f"]);
        assert_eq!((code(&output), stdout(&output)), (1, ""));
        let said = stderr(&output);
        assert!(said.starts_with("cloisterctl: the run was cancelled\n") && said.contains(hint), "{said}");
    }
}

#[test]
fn an_interrupted_job_goes_on_to_its_result() {
    let resumed = conversation(|connection| {
        assert_eq!(connection.receive::<Request>().unwrap(), Request::ResumeJob { id: "7f".into() });
        connection.send(&Response::JobStarted { id: "7f3a".into() }).unwrap();
        assert_eq!(connection.receive::<Request>().unwrap(), Request::WatchJob { id: "7f3a".into() });
        connection.send(&Response::Finished { result: Some("7f3a".into()) }).unwrap();
        assert_eq!(connection.receive::<Request>().unwrap(), Request::ShowResult { id: "7f3a".into() });
        connection.send(&Response::Result(Box::new(result()))).unwrap();
    });
    let output = resumed.run(&["jobs", "resume", "7f"]);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("job 7f3a goes on"), "{}", stderr(&output));
    assert!(stdout(&output).contains("euclidean"), "{}", stdout(&output));

    let started = Response::JobStarted { id: "7f3a".into() };
    let output = answers([started]).run(&["jobs", "resume", "7f", "--detach", "--json"]);
    assert_eq!(stdout(&output), "{\"schema\":\"cloister.job/1\",\"id\":\"7f3a\"}\n");

    let output = answers([Response::Jobs(vec![job(JobState::Interrupted)])]).run(&["jobs"]);
    assert!(stdout(&output).contains("interrupted"), "{}", stdout(&output));
}

#[test]
fn an_estimate_is_printed_and_nothing_is_started() {
    let cost = |phase: &str, scale: u64| PhaseCost {
        phase: phase.into(),
        bytes: 1_048_576 * scale,
        messages: 30 * scale,
        exchanges: 20 * scale,
        seconds: BTreeMap::from([("lan".into(), 0.0125 * scale as f64), ("wan".into(), 0.75 * scale as f64)]),
    };
    let network = |name: &str, bits_per_second, round_trip_ms| Network {
        name: name.into(),
        bits_per_second,
        round_trip_ms,
    };
    let estimate = EstimateInfo {
        dataset: "iris".into(),
        parties: result().parties,
        padded_rows: vec![128, 64],
        attributes: vec!["x".into(), "y".into()],
        k: 2,
        metric: "euclidean".into(),
        privacy: Privacy::Sealed,
        normalize: Normalize::ZScore,
        starts: 16,
        max_rounds: 300,
        phases: vec![cost("setup", 1), cost("round", 2)],
        total: cost("total", 601),
        memory_bytes: BTreeMap::from([("a".into(), 2 << 20)]),
        networks: vec![network("lan", 1e9, 0.2), network("wan", 1e8, 25.0)],
    };
    let answering = |estimate: EstimateInfo| {
        conversation(move |connection| {
            let Request::Estimate(request) = connection.receive().unwrap() else { panic!("no estimate") };
            assert_eq!((request.dataset.as_str(), request.privacy), ("iris", Privacy::Sealed));
            connection.send(&Response::Estimate(Box::new(estimate))).unwrap();
        })
    };
    let arguments = ["cluster", "iris", "-k", "2", "--estimate"];
    let output = answering(estimate.clone()).run(&arguments);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    for words in
        ["a up to 128, b up to 64", "a round", "2.00 MiB", "300 rounds", "0.0125", "1000 Mbit/s, 0.2 ms"]
    {
        assert!(stdout(&output).contains(words), "{words} in {}", stdout(&output));
    }
    let output = answering(estimate).run(&[&arguments[..], &["--json"]].concat());
    let document = json(stdout(&output));
    assert_eq!(document["schema"], "cloister.estimate/1");
    assert_eq!(document["phases"][1]["exchanges"], 40);
    assert_eq!(document["total"]["seconds"]["wan"], 450.75);
}

#[test]
fn a_socket_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.toml");
    std::fs::write(&file, "").unwrap();
    for place in [folder.path(), &file] {
        let output = client().arg("--socket").arg(place).arg("status").output().unwrap();
        assert_eq!((code(&output), stdout(&output)), (2, ""));
        let said = format!("cloisterctl: {} is not a socket\n", place.display());
        assert!(stderr(&output).starts_with(&said), "{}", stderr(&output));
    }
}

#[test]
fn a_number_out_of_range_is_told_its_range() {
    for (option, value, range) in [
        ("--seed", "-1", "must be a whole number from 0 to 18446744073709551615"),
        ("--seed", "x", "must be a whole number from 0 to 18446744073709551615"),
        ("--tolerance", "-1", "must be a number that is not negative"),
        ("--tolerance", "-0.5", "must be a number that is not negative"),
        ("--starts", "-1", "must be a whole number from 1 to 4294967295"),
        ("--max-rounds", "0", "must be a whole number from 1 to 4294967295"),
    ] {
        let output = client().args(["cluster", "x", "-k", "2", option, value]).output().unwrap();
        assert_eq!((code(&output), stdout(&output)), (2, ""));
        let said = stderr(&output);
        assert!(said.contains(option) && said.contains(range) && !said.contains("-- -"), "{said}");
    }
    let output = client().args(["cluster", "x", "-k", "-2"]).output().unwrap();
    assert!(stderr(&output).contains("must be a whole number from 1"), "{}", stderr(&output));
}

#[test]
fn bounds_are_repeated_or_listed() {
    for arguments in [&["--bounds", "a=0:1", "--bounds", "b=-2:2"][..], &["--bounds", "a=0:1,b=-2:2"]] {
        let daemon = conversation(|connection| {
            let Request::Cluster(request) = connection.receive().unwrap() else {
                panic!("no cluster request")
            };
            let bounds: Vec<_> = request
                .bounds
                .iter()
                .map(|bound| (bound.attribute.as_str(), bound.low, bound.high))
                .collect();
            assert_eq!(bounds, [("a", 0.0, 1.0), ("b", -2.0, 2.0)]);
            connection.send(&Response::JobStarted { id: "7f3a".into() }).unwrap();
        });
        let fixed = ["cluster", "iris", "-k", "2", "--detach", "--normalize", "range"];
        let output = daemon.run(&[&fixed[..], arguments].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    let output = client().args(["cluster", "--help"]).output().unwrap();
    assert!(stdout(&output).contains("once per attribute"), "{}", stdout(&output));
}

#[test]
fn a_daemon_that_is_not_there_or_hangs_up_is_named() {
    let output = client().args(["--socket", "/nonexistent/control.sock", "status"]).output().unwrap();
    assert_eq!(code(&output), 6);
    assert!(
        stderr(&output).contains("/nonexistent/control.sock") && stderr(&output).contains("systemctl start")
    );

    let output = conversation(|connection| assert!(connection.receive::<Request>().is_ok())).run(&["status"]);
    assert_eq!(code(&output), 6);
    assert!(stderr(&output).contains("broke off"), "{}", stderr(&output));

    let output = raw(drop).run(&["status"]);
    assert_eq!(code(&output), 6);
}

#[test]
fn another_release_is_named() {
    let output = raw(|mut stream| {
        use std::io::{Read, Write};
        stream.write_all(&Hello { protocol: 77, program: "9.9.9".into() }.encode()).unwrap();
        // Until the client hangs up, so that its hello has somewhere to go.
        stream.read_to_end(&mut Vec::new()).unwrap();
    })
    .run(&["status"]);
    assert_eq!(code(&output), 6);
    assert!(
        stderr(&output).contains("9.9.9") && stderr(&output).contains("version 77"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_socket_comes_from_option_settings_or_environment() {
    let listening = answers([Response::Jobs(Vec::new())]);
    let output = client().env("CLOISTER_SOCKET", listening.socket()).arg("jobs").output().unwrap();
    listening.finish();
    assert_eq!(code(&output), 0, "{}", stderr(&output));

    let listening = answers([Response::Jobs(Vec::new())]);
    let settings = tempfile::NamedTempFile::new().unwrap();
    let text = format!("name = \"a\"\n[control]\nsocket = \"{}\"\n", listening.socket().display());
    std::fs::write(settings.path(), text).unwrap();
    let mut command = client();
    command.env("CLOISTER_SOCKET", "/nonexistent").arg("--config").arg(settings.path()).arg("jobs");
    let output = command.output().unwrap();
    listening.finish();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn later_commands_and_options_are_not_available_and_not_advertised() {
    for arguments in [
        &["backup", "create", "x"][..],
        &["keys", "show"],
        &["audit", "show"],
        &["identity"],
        &["results", "plot", "1", "-o", "x.svg"],
        &["results", "export", "1", "--format", "pmml"],
        &["upload", "x.csv", "--across", "a,b"],
        &["--host", "a", "status"],
    ] {
        let output = client().args(arguments).output().unwrap();
        assert_eq!((code(&output), stdout(&output)), (2, ""), "{arguments:?}");
        assert!(
            stderr(&output).contains("not available in this build"),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let output = client().arg("--json").args(arguments).output().unwrap();
        assert_eq!(json(stderr(&output))["error"]["code"], "usage");
    }
    for shell in ["bash", "zsh", "fish"] {
        let output = client().args(["completions", shell]).output().unwrap();
        assert!(stdout(&output).contains("cloisterctl"), "{shell}");
        for word in ["backup", "pmml", "across", "audit"] {
            assert!(!stdout(&output).contains(word), "{word} in {shell}");
        }
    }
}

#[test]
fn bad_usage_is_said_in_json_where_that_is_asked_for() {
    for arguments in [&["cluster", "x"][..], &["cluster", "x", "-k", "0"], &["nonsense"], &["show"]] {
        let output = client().arg("--json").args(arguments).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert_eq!(json(stderr(&output))["error"]["code"], "usage", "{arguments:?}");
    }
    let output = client().args(["cluster", "x", "-k", "2", "--bounds", "a=0:1"]).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--normalize range"));
    let output = client().arg("--help").output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}
