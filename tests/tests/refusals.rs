//! Runs that must not happen: by policy, by bad input, by bad usage. Each refusal names its rule and leaves nothing.

use cloister_tests::documents::{self, csv, deal, numbers, real, rows};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::party::Party;
use control::ErrorCode;
use control::facts::{EstimateInfo, JobState};
use serde_json::Value;

fn iris() -> Fleet {
    let fleet = Fleet::start(&FleetConfig { datasets: &["iris", "words"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 2));
    fleet
}

/// No party has anything of a run, and a run goes well.
#[track_caller]
fn nothing_is_left(fleet: &Fleet) {
    for party in &fleet.parties {
        assert!(party.results().is_empty(), "{}", party.name());
        assert!(
            party.jobs().iter().all(|job| job.state == JobState::Failed),
            "{}: {:?}",
            party.name(),
            party.jobs()
        );
    }
    fleet.lead().cluster(&["iris", "-k", "3", "--starts", "1"]);
}

#[test]
fn policy_refuses_by_name_at_the_lead_and_at_its_peer() {
    let mut fleet = iris();
    let run = ["iris", "-k", "3", "--starts", "1"];
    type Rule = (fn(&mut Party), &'static [&'static str], &'static str);
    let rules: [Rule; 5] = [
        (|party| party.settings.allow_open = false, &[], "policy.allow_open"),
        (|party| party.settings.min_rows = 76, &[], "policy.min_rows"),
        (|party| party.settings.max_rounds = 9, &["--max-rounds", "10"], "policy.max_rounds"),
        (
            |party| party.settings.peers.iter_mut().for_each(|peer| peer.datasets.clear()),
            &["--peer", "clinic-b"],
            "[[peer]]",
        ),
        (|party| party.settings.min_cluster_rows = 50, &[], "policy.min_cluster_rows"),
    ];
    for (tighten, arguments, rule) in rules {
        for index in [0, 1] {
            let before = fleet.parties[index].settings.clone();
            tighten(&mut fleet.parties[index]);
            fleet.parties[index].apply();
            let name = fleet.parties[index].name().to_owned();
            let answer = fleet.lead().try_cluster(&[&run, arguments].concat());
            // The lead's own refusals need not name it.
            let words: &[&str] = if index == 1 { &[rule, &name] } else { &[rule] };
            let answer = answer.refused(4, words);
            let document: Value = serde_json::from_str(&answer.stderr).unwrap();
            assert_eq!(document["error"]["code"], "refused", "{}", answer.stderr);
            fleet.parties[index].settings = before;
            fleet.parties[index].apply();
        }
    }
    nothing_is_left(&fleet);
}

#[test]
fn a_party_that_is_not_known_or_has_another_role_is_refused() {
    let mut fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["iris"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 3));
    let run = ["iris", "-k", "3", "--starts", "1"];
    // clinic-b does not know clinic-c.
    let before = fleet.parties[1].settings.peers.clone();
    fleet.parties[1].settings.peers.retain(|peer| peer.name != "clinic-c");
    fleet.parties[1].apply();
    fleet.lead().try_cluster(&run).refused(4, &["clinic-b", "clinic-c", "[[peer]]"]);
    // It does not know the lead either: then it does not even listen.
    fleet.parties[1].settings.peers.retain(|peer| peer.name != "clinic-a");
    fleet.parties[1].apply();
    fleet.lead().try_cluster(&run).refused(6, &["clinic-b"]);
    fleet.parties[1].settings.peers = before;
    fleet.parties[1].apply();

    let lead = fleet.lead();
    lead.try_cluster(&[&run[..], &["--peer", "nobody"]].concat()).refused(3, &["nobody"]);
    lead.try_cluster(&[&run[..], &["--third-party", "nobody"]].concat()).refused(3, &["nobody"]);
    lead.try_cluster(&[&run[..], &["--peer", "notary"]].concat()).refused(2, &["notary", "third party"]);
    lead.try_cluster(&[&run[..], &["--third-party", "clinic-b"]].concat()).refused(2, &["clinic-b"]);
    lead.try_cluster(&[&run[..], &["--peer", "clinic-b", "--peer", "clinic-b"]].concat())
        .refused(2, &["twice"]);
    fleet.third_party().try_cluster(&run).refused(4, &["third party"]);
    fleet.third_party().try_upload("iris", "iris.csv", &csv(&real("iris"))).refused(4, &["third party"]);
    nothing_is_left(&fleet);
}

#[test]
fn bad_usage_is_told_apart_from_bad_data() {
    let fleet = iris();
    let lead = fleet.lead();
    let cluster = |arguments: &[&str]| lead.try_cluster(&[&["iris"], arguments].concat());
    lead.ctl(&["cluster", "iris", "-k", "3", "--privacy", "dp"]).refused(2, &["dp"]);
    cluster(&[]).refused(2, &["-k"]);
    cluster(&["-k", "0"]).refused(2, &["0"]);
    cluster(&["-k", "three"]).refused(2, &["three"]);
    cluster(&["-k", "3", "--starts", "0"]).refused(2, &["--starts"]);
    cluster(&["-k", "3", "--tolerance", "nan"]).refused(2, &["--tolerance"]);
    cluster(&["-k", "3", "--normalize", "range"]).refused(2, &["--bounds"]);
    cluster(&["-k", "3", "--bounds", "petal width (cm)=0:1"]).refused(2, &["--bounds"]);
    cluster(&["-k", "3", "--normalize", "range", "--bounds", "petal width (cm)=0:1"])
        .refused(2, &["sepal length (cm)"]);
    cluster(&["-k", "3", "--attributes", "petal width (cm),nothing"]).refused(3, &["nothing"]);
    cluster(&["-k", "3", "--attributes", "petal width (cm),petal width (cm)"])
        .refused(2, &["petal width (cm)"]);
    cluster(&["-k", "3", "--metric", "cosine"]).refused(3, &["cosine"]);
    lead.try_cluster(&["nothing", "-k", "3", "--peer", "clinic-b"]).refused(3, &["nothing"]);
    lead.ctl(&["show", "nothing"]).refused(3, &["nothing"]);
    lead.ctl(&["results", "show", "ffff"]).refused(3, &["ffff"]);
    lead.ctl(&["jobs", "watch", "ffff"]).refused(3, &["ffff"]);
    lead.ctl(&["fly"]).refused(2, &["fly"]);
    lead.ctl(&["backup", "create", "x"]).refused(2, &["not available in this build"]);
    nothing_is_left(&fleet);
}

#[test]
fn a_dataset_that_only_one_host_has_is_not_found_by_name() {
    let fleet = Fleet::start(&FleetConfig { datasets: &["iris"], ..FleetConfig::default() });
    let parts = deal(&real("iris"), 2);
    fleet.lead().try_cluster(&["iris", "-k", "3"]).refused(3, &["iris"]);
    fleet.lead().upload("iris", "iris.csv", &csv(&parts[0]));
    fleet.lead().try_cluster(&["iris", "-k", "3"]).refused(3, &["clinic-b", "iris"]);
    fleet.parties[1].upload("iris", "iris.csv", &csv(&parts[1]));
    nothing_is_left(&fleet);
}

#[test]
fn rows_that_do_not_fit_the_run_are_bad_data() {
    let fleet = Fleet::start(&FleetConfig {
        datasets: &["iris", "tiny", "mixed", "order", "gaps", "huge"],
        ..FleetConfig::default()
    });
    let iris = real("iris");
    let parts = deal(&iris, 2);
    fleet.upload("iris", &parts);
    let lead = fleet.lead();

    fleet.upload("tiny", &deal(&rows(&iris, &[0, 1, 60, 61, 120, 121]), 2));
    // Beyond a host's padded number of rows that host says so; within it, whether all together are enough is found
    // jointly.
    lead.try_cluster(&["tiny", "-k", "65", "--starts", "1"]).refused(5, &["k = 65", "clinic-a"]);
    lead.try_cluster(&["tiny", "-k", "7", "--starts", "1"]).refused(5, &["k = 7", "all hosts together"]);
    lead.cluster(&["tiny", "-k", "3", "--starts", "1"]);

    // One host's attribute is called differently; then the same ones in another order.
    let text = |part: usize| String::from_utf8(csv(&parts[part])).unwrap();
    lead.upload("mixed", "mixed.csv", text(0).as_bytes());
    let renamed = text(1).replacen("petal length (cm)", "leaf length", 1);
    fleet.parties[1].upload("mixed", "mixed.csv", renamed.as_bytes());
    lead.try_cluster(&["mixed", "-k", "3"]).refused(5, &["clinic-b", "petal length (cm)"]);
    let common = ["mixed", "-k", "3", "--starts", "1", "--attributes", "sepal length (cm),petal width (cm)"];
    lead.cluster(&common);
    lead.upload("order", "order.csv", text(0).as_bytes());
    let swapped =
        text(1).replacen("sepal length (cm),sepal width (cm)", "sepal width (cm),sepal length (cm)", 1);
    fleet.parties[1].upload("order", "order.csv", swapped.as_bytes());
    lead.try_cluster(&["order", "-k", "3"]).refused(5, &["clinic-b", "sepal length (cm)"]);

    // Missing values at the peer only: which attribute lacks them is for its own log.
    let gaps = documents::with_gaps(40);
    let whole = rows(&documents::parse(&gaps), &[0, 1, 2, 3, 5, 6, 8, 9, 10, 11]);
    assert!(numbers(&whole, None).values.iter().all(|value| !value.is_nan()));
    lead.upload("gaps", "gaps.csv", &csv(&whole));
    fleet.parties[1].upload("gaps", "gaps.csv", &gaps);
    lead.try_cluster(&["gaps", "-k", "2"]).refused(5, &["clinic-b", "gaps", "log"]);
    assert!(fleet.parties[1].log().contains("attribute a: 4 rows have no value; choose `--missing drop`"));

    // Beyond the grid, at the peer only; the value itself is nobody's business.
    lead.upload("huge", "huge.csv", b"a\n1\n2\n3\n4\n");
    fleet.parties[1].upload("huge", "huge.csv", b"a\n1\n2\n3\n7654321e12\n");
    let answer = lead.try_cluster(&["huge", "-k", "2"]).refused(5, &["clinic-b", "huge", "log"]);
    assert!(fleet.parties[1].log().contains("attribute a: 1 rows lie outside"));
    assert!(!fleet.parties[1].log().contains("76543"));
    assert!(!answer.stderr.contains("76543"), "{}", answer.stderr);
    for host in fleet.hosts() {
        assert_eq!(host.results().len(), 2, "only the good runs left something at {}", host.name());
    }
    lead.cluster(&["iris", "-k", "3", "--starts", "1"]);
}

#[test]
fn rows_that_fail_inside_a_run_are_blamed_on_their_owner_by_every_host_but_not_told_to_the_third_party() {
    let fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["far"], ..FleetConfig::default() });
    for (index, host) in fleet.hosts().iter().enumerate() {
        // Within the wide grid, so that the run begins; beyond the run's grid at clinic-b alone.
        let last = if index == 1 { "40123" } else { "4" };
        host.upload("far", "far.csv", format!("a\n1\n2\n3\n{last}\n").as_bytes());
    }
    for _ in 0..3 {
        let id = fleet.lead().detach(&["far", "-k", "2", "--normalize", "none", "--starts", "1"]);
        for (index, party) in fleet.parties.iter().enumerate() {
            let failure = party.job_ended(&id).failure.expect("a reason");
            let third_party = index == 3;
            let expected = if third_party { ErrorCode::PeerFailed } else { ErrorCode::BadData };
            assert_eq!(failure.code, expected, "{}: {}", party.name(), failure.message);
            let names_owner = failure.message.contains("clinic-b");
            assert_eq!(names_owner, !third_party && index != 1, "{}: {}", party.name(), failure.message);
        }
    }
    assert!(fleet.parties[1].log().contains("attribute a: 1 rows lie more than 32767 units"));
}

const NAN: &str = "<dataset name='x'><header><attributes><attribute name='height' type='numeric'/></attributes>
</header><body><instances><instance><value>1</value></instance><instance><value>NaN</value></instance></instances>
</body></dataset>";

#[test]
fn documents_that_are_none_leave_nothing() {
    let fleet = iris();
    let lead = fleet.lead();
    let bad: [(&str, &str, &[&str]); 7] = [
        ("nan.csv", "height\n1\n2\nNaN\n4\n", &["height", "line", "NaN"]),
        ("nan.xrff", NAN, &["height", "line"]),
        ("ragged.csv", "a,b\n1,2\n3\n", &["3"]),
        ("empty.csv", "", &["empty"]),
        ("arff.csv", "@relation x\n@attribute a numeric\n@data\n1\n", &["ARFF"]),
        ("broken.xrff", "<dataset name='x'><header><attributes>", &["line"]),
        (
            "entity.xrff",
            "<!DOCTYPE dataset [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><dataset name='x'/>",
            &["line"],
        ),
    ];
    for (name, document, words) in bad {
        lead.try_upload("bad", name, document.as_bytes()).refused(5, words);
    }
    // In CSV a column with words in it is text, and cannot be clustered.
    let words = b"height\n1\n2\ntall\n4\n";
    fleet.parties.iter().take(2).for_each(|host| host.upload("words", "words.csv", words));
    for attributes in [&[] as &[&str], &["--attributes", "height"]] {
        let run = ["words", "-k", "2", "--peer", "clinic-b"];
        lead.try_cluster(&[&run[..], attributes].concat()).refused(5, &["words"]);
    }
    lead.ctl(&["remove", "words"]).good();
    lead.ctl(&["upload", "/nowhere/x.csv"]).refused(3, &["/nowhere/x.csv"]);
    lead.try_upload("iris", "iris.csv", &csv(&real("iris"))).refused(2, &["iris"]);
    assert_eq!(lead.ctl(&["datasets", "--json"]).items::<Value>().len(), 1);
    nothing_is_left(&fleet);
}

/// How many rows are complete in attributes of the lead's choosing is not to be had by asking what a run would cost.
#[test]
fn an_estimate_tells_nothing_of_missing_values() {
    let fleet = Fleet::start(&FleetConfig { datasets: &["gaps"], ..FleetConfig::default() });
    let row =
        |row: usize| if row.is_multiple_of(2) { format!("{row},\n") } else { format!("{row},{}\n", row % 7) };
    let gaps = (0..100).fold("a,b\n".to_owned(), |csv, number| csv + &row(number));
    for host in fleet.hosts() {
        host.upload("gaps", "gaps.csv", gaps.as_bytes());
    }
    for asked in [&["--attributes", "a"][..], &["--attributes", "b"], &[]] {
        for missing in ["drop", "mean", "fail"] {
            let arguments =
                [&["cluster", "gaps", "-k", "2", "--missing", missing, "--estimate"], asked].concat();
            let estimate: EstimateInfo = fleet.lead().json(&arguments);
            assert_eq!(estimate.padded_rows, [128, 128], "{asked:?} {missing}: 50 rows lack b");
        }
    }
    for party in &fleet.parties[1..] {
        let told = party.log().matches("told what it would bring to a run").count();
        assert_eq!(told, 9, "{}: every one is logged", party.name());
        assert!(party.log().contains("peer=\"clinic-a\" dataset=\"gaps\""), "{}", party.log());
    }
}

/// With `--missing drop` a number of clusters that is refused says how many rows are complete in attributes of the lead's
/// choosing: it may ask so many times only.
#[test]
fn refusals_by_the_number_of_complete_rows_are_counted() {
    let fleet = Fleet::start(&FleetConfig {
        datasets: &["gaps"],
        change: &|settings| settings.min_cluster_rows = 2,
        ..FleetConfig::default()
    });
    let row = |row: usize| if row % 8 < 4 { format!("{row},\n") } else { format!("{row},{}\n", row % 7) };
    let csv = |rows: usize| (0..rows).fold("a,b\n".to_owned(), |csv, number| csv + &row(number));
    fleet.lead().upload("gaps", "gaps.csv", csv(800).as_bytes());
    fleet.parties[1].upload("gaps", "gaps.csv", csv(100).as_bytes());
    let ask = |k: &str, missing: &str| {
        fleet.lead().try_cluster(&["gaps", "-k", k, "--missing", missing, "--starts", "1"])
    };
    // The number of all rows is public, to a multiple of 64.
    for _ in 0..7 {
        ask("129", "mean").refused(5, &["k = 129", "clinic-b"]);
        ask("65", "mean").refused(4, &["policy.min_cluster_rows", "clinic-b"]);
    }
    for _ in 0..6 {
        ask("65", "drop").refused(5, &["k = 65", "clinic-b"]);
        ask("33", "drop").refused(4, &["policy.min_cluster_rows", "clinic-b"]);
    }
    for missing in ["drop", "mean"] {
        ask("65", missing).refused(4, &["too many runs of this lead failed", "clinic-b"]);
    }
}
