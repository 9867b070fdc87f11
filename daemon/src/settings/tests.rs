use std::io::Write;

use super::*;

const PRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Vec<Problem>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let environment = environment.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    Settings::load_with(file.path(), environment)
}

fn minimal(more: &str) -> String {
    format!("name = \"a\"\nrole = \"host\"\n{more}")
}

/// `KEY: MESSAGE` of every problem.
fn problems(more: &str) -> Vec<String> {
    load(&minimal(more), &[])
        .unwrap_err()
        .iter()
        .map(|problem| format!("{}: {}", problem.key, problem.message))
        .collect()
}

fn peer(name: &str, fingerprint: &str) -> String {
    format!(
        "[[peer]]\nname = \"{name}\"\nrole = \"third-party\"\naddress = \"t:7440\"\nfingerprint = \"{fingerprint}\"\n"
    )
}

#[test]
fn two_keys_are_enough_and_the_rest_has_defaults() {
    let settings = load(&minimal(""), &[("HOME", "/x"), ("CLOISTER_SOCKET", "/x")]).unwrap();
    assert_eq!(
        settings,
        Settings {
            name: "a".into(),
            role: Role::Host,
            state_dir: "/var/lib/cloister".into(),
            control: Control { socket: "/run/cloister/control.sock".into() },
            network: Network { listen: "0.0.0.0:7440".parse().unwrap(), timeout: Duration::from_secs(60) },
            keys: Keys { master: MasterKey::Credential("cloister.master".into()) },
            paillier: Paillier { bits: 3072, test_keys: false },
            plugins: Plugins { dir: "/usr/lib/cloister/plugins".into(), metric: "euclidean".into() },
            policy: Policy {
                min_rows: 20,
                min_cluster_rows: 5,
                max_rounds: 300,
                allow_open: false,
                reveal: Reveal { inertia: true, sizes: false },
            },
            operators: Vec::new(),
            peers: Vec::new(),
        }
    );
}

#[test]
fn everything_can_be_said() {
    let text = format!(
        "name = \"clinic-a\"\nrole = \"third-party\"\nstate_dir = \"/s\"\n[control]\nsocket = \"/c\"\n\
         [network]\nlisten = \"[::1]:9\"\ntimeout_seconds = 5\n[keys]\nmaster = \"file:/k\"\n\
         [paillier]\nbits = 1024\ntest_keys = true\n[plugins]\ndir = \"/p\"\nmetric = \"manhattan\"\n\
         [policy]\nmin_rows = 1\nmin_cluster_rows = 2\nmax_rounds = 3\nallow_open = true\nreveal = [\"sizes\"]\n\
         [[operator]]\nname = \"ann\"\nfingerprint = \"{PRINT}\"\nmay = [\"upload\", \"admin\"]\n\
         [[peer]]\nname = \"b\"\nrole = \"host\"\naddress = \"b.example:7440\"\nfingerprint = \"{PRINT}\"\n\
         datasets = [\"patients\"]\n"
    );
    let settings = load(&text, &[]).unwrap();
    assert_eq!((settings.role, settings.paillier.bits), (Role::ThirdParty, 1024));
    assert_eq!(settings.keys.master, MasterKey::File("/k".into()));
    assert_eq!(settings.policy.reveal, Reveal { inertia: false, sizes: true });
    assert_eq!(settings.operators[0].may, [Permission::Upload, Permission::Admin]);
    assert_eq!(settings.peers[0].datasets, ["patients"]);
    assert_eq!(settings.peers[0].fingerprint.to_string(), PRINT.to_lowercase());
    assert_eq!(settings.network.listen.to_string(), "[::1]:9");
}

#[test]
fn the_environment_overrides_the_file() {
    let environment = [
        ("CLOISTER__NAME", "b"),
        ("CLOISTER__PAILLIER__BITS", "2048"),
        ("CLOISTER__PAILLIER__TEST_KEYS", "true"),
        ("CLOISTER__POLICY__REVEAL", "inertia, sizes"),
        ("CLOISTER__KEYS__MASTER", "passphrase"),
    ];
    let settings = load(&minimal("[paillier]\nbits = 3072\n[policy]\nmin_rows = 7\n"), &environment).unwrap();
    assert_eq!(settings.name, "b");
    assert_eq!(settings.paillier, Paillier { bits: 2048, test_keys: true });
    assert_eq!(settings.policy.reveal, Reveal { inertia: true, sizes: true });
    assert_eq!((settings.policy.min_rows, settings.keys.master), (7, MasterKey::Passphrase));
}

#[test]
fn a_wrong_variable_is_blamed_on_the_environment() {
    let environment = [
        ("CLOISTER__POLICY__MIN_ROW", "3"),
        ("CLOISTER__POLCY__MIN_ROWS", "3"),
        ("CLOISTER__PAILLIER__BITS", "x"),
    ];
    let problems = load(&minimal(""), &environment).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    for problem in &problems {
        assert_eq!(problem.place, "the environment", "{problem}");
    }
    assert!(
        problems
            .iter()
            .any(|p| p.to_string().contains("policy.min_row: unknown key; did you mean policy.min_rows?"))
    );
    assert!(
        problems.iter().any(|p| p.key == "polcy" && p.message.ends_with("did you mean policy?")),
        "{problems:?}"
    );
}

#[test]
fn a_peer_cannot_be_changed_from_the_environment() {
    let problems =
        load(&minimal(&peer("t", PRINT)), &[("CLOISTER__PEER__0__ADDRESS", "evil:1")]).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("[[peer]]")), "{problems:?}");
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    assert_eq!(
        problems("[policy]\nalow_open = true"),
        ["policy.alow_open: unknown key; did you mean policy.allow_open?"]
    );
    assert_eq!(
        problems("timeout_seconds = 5"),
        ["timeout_seconds: unknown key; did you mean network.timeout_seconds?"]
    );
    assert_eq!(problems("[netwrk]\nlisten = \"x\""), ["netwrk: unknown key; did you mean network?"]);
    assert_eq!(problems("zzz = 1"), ["zzz: unknown key"]);
    let in_peer = problems(&format!("{}adress = \"x:1\"", peer("t", PRINT)));
    assert_eq!(in_peer, ["peer[1].adress: unknown key; did you mean peer.address?"]);
}

#[test]
fn every_problem_is_reported_at_once() {
    let problems = load(
        "role = \"guest\"\nstate_dir = \"var\"\n[control]\nsocket = 5\n[network]\nlisten = \"localhost\"\n\
         timeout_seconds = 0\n[keys]\nmaster = \"secret\"\n[paillier]\nbits = 4096\n[plugins]\nmetric = \"../x\"\n\
         [policy]\nmin_rows = -1\nmax_rounds = 0\nallow_open = \"yes\"\nreveal = [\"labels\"]\n",
        &[],
    )
    .unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "name",
            "role",
            "state_dir",
            "control.socket",
            "network.listen",
            "network.timeout_seconds",
            "keys.master",
            "paillier.bits",
            "plugins.metric",
            "policy.min_rows",
            "policy.max_rounds",
            "policy.allow_open",
            "policy.reveal"
        ]
    );
}

#[test]
fn short_keys_need_the_word_test() {
    for bits in [1024, 2048] {
        let found = problems(&format!("[paillier]\nbits = {bits}"));
        assert!(found.len() == 1 && found[0].contains("test_keys = true"), "{found:?}");
        assert!(load(&minimal(&format!("[paillier]\nbits = {bits}\ntest_keys = true")), &[]).is_ok());
    }
    assert_eq!(problems("[paillier]\nbits = 1536\ntest_keys = true").len(), 1);
}

#[test]
fn a_text_is_not_a_number_nor_a_flag() {
    assert_eq!(problems("[policy]\nmin_rows = \"20\"").len(), 1);
    assert_eq!(problems("[policy]\nallow_open = 1").len(), 1);
    assert_eq!(problems("[policy]\nreveal = \"sizes\"").len(), 1);
    assert_eq!(problems("policy = 3"), ["policy: must be a table: [policy]"]);
    assert_eq!(problems("peer = 3").len(), 1);
}

#[test]
fn peers_are_told_apart() {
    let other = PRINT.replace('0', "1");
    assert!(load(&minimal(&format!("{}{}", peer("t", PRINT), peer("u", &other))), &[]).is_ok());
    let twice = problems(&format!("{}{}", peer("t", PRINT), peer("t", &other)));
    assert_eq!(twice, ["peer[2].name: \"t\" stands there twice"]);
    let same_key = problems(&format!("{}{}", peer("t", PRINT), peer("u", &PRINT.to_lowercase())));
    assert_eq!(same_key, ["peer[2].fingerprint: belongs to another entry already"]);
    assert_eq!(problems(&peer("a", PRINT)), ["peer[1].name: is this party's own name"]);
    assert_eq!(problems(&peer("t", &PRINT[1..])).len(), 1);
    assert_eq!(problems(&peer("t", &"g".repeat(64))).len(), 1);
    assert_eq!(problems("[[peer]]\nname = \"t\"").len(), 3);
}

#[test]
fn single_values() {
    for good in ["b:1", "clinic-b.example:65535", "10.0.0.1:7440", "[fe80::1]:7440"] {
        assert_eq!(values::address(good).as_deref(), Ok(good));
    }
    for bad in ["", "b", "b:", ":1", "b:0", "b:65536", "b:+1", "fe80::1:7440", "[x]:1", "a b:1", "http://b:1"]
    {
        assert!(values::address(bad).is_err(), "{bad}");
    }
    for bad in ["", "-a", ".a", "a/b", "a b", "é", &"a".repeat(65)] {
        assert!(values::name(bad).is_err(), "{bad}");
    }
    for bad in ["file:k", "credential:", "credential:a/b", "Passphrase", ""] {
        assert!(values::master_key(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_file_that_is_none_is_one_problem() {
    let missing = Settings::load(Path::new("/nonexistent/host.toml")).unwrap_err();
    assert!(
        missing.len() == 1 && missing[0].to_string().starts_with("/nonexistent/host.toml: cannot be read")
    );
    let syntax = load("name = \"a\nrole = 3", &[]).unwrap_err();
    assert!(syntax.len() == 1 && syntax[0].message.contains("line 1"), "{syntax:?}");
}

#[test]
fn keys_lists_them_all() {
    let keys = Settings::keys();
    assert_eq!(keys.len(), 3 + 1 + 2 + 1 + 2 + 2 + 5 + 3 + 5, "{keys:?}");
    for key in ["name", "policy.reveal", "operator.may", "peer.datasets"] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
}
