//! init, fingerprint, check, and run before there is anything to run.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use control::{ErrorCode, Request, Response};

use crate::site::{Site, assert_failure};

#[test]
fn init_makes_what_is_missing_and_never_overwrites() {
    let site = Site::new();
    let first = site.command("init");
    assert_eq!(first.code, Some(0), "{}", first.err);
    let fingerprint = first.out.trim_end();
    assert!(fingerprint.len() == 64 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(fs::metadata(site.state()).unwrap().permissions().mode() & 0o7777, 0o700);
    let key = site.path("master.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
    let before = fs::read(&key).unwrap();

    let second = site.command("init");
    assert_eq!((second.code, &second.out), (Some(0), &first.out));
    assert_eq!(second.err, "", "nothing was missing");
    assert_eq!(fs::read(&key).unwrap(), before);
    let told = site.command("fingerprint");
    assert_eq!((told.code, told.out.as_str(), told.err.as_str()), (Some(0), first.out.as_str(), ""));
}

#[test]
fn a_lost_master_key_is_not_made_anew() {
    let site = Site::ready();
    fs::remove_file(site.path("master.key")).unwrap();
    for command in ["init", "fingerprint", "check", "run"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(1), "{command}: {}", said.err);
        assert!(
            said.err.contains("the master key is lost") && said.err.contains("master.key"),
            "{}",
            said.err
        );
        assert!(said.err.contains("put the key back"), "{}", said.err);
        assert!(!said.err.contains("cloisterd init"), "{}", said.err);
        assert!(!site.path("master.key").exists());
    }
}

#[test]
fn a_master_key_that_others_may_read_is_refused() {
    let site = Site::ready();
    fs::set_permissions(site.path("master.key"), fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["init", "fingerprint", "check", "run"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(4), "{command}: {}", said.err);
        assert!(said.err.contains("has mode 0644; make it 0600"), "{}", said.err);
    }
}

#[test]
fn a_running_daemon_answers_for_its_vault() {
    let mut site = Site::ready();
    let told = site.command("fingerprint");
    let daemon = site.start();
    for command in ["fingerprint", "init"] {
        let said = site.command(command);
        assert_eq!((said.code, &said.out, said.err.as_str()), (Some(0), &told.out, ""), "{command}");
    }
    // Another length is as wrong as it is without the daemon.
    site.sections = "[paillier]\nbits = 2048\ntest_keys = true\n".into();
    for command in ["init", "check"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(2), "{command}: {}", said.err);
        assert!(said.err.contains("the stored key has 1024 bits"), "{}", said.err);
    }
    // Settings of another party on the same socket get nobody else's fingerprint.
    site.top = "name = \"z\"\nrole = \"host\"\n".into();
    let said = site.command("fingerprint");
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("is called a, not z"), "{}", said.err);
    assert!(said.err.contains("cloisterctl status"), "{}", said.err);

    site.top = "name = \"a\"\nrole = \"host\"\n".into();
    fs::remove_file(site.socket()).unwrap();
    for command in ["fingerprint", "init"] {
        let said = site.command(command);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{command}");
        assert!(said.err.contains("could not be asked"), "{}", said.err);
        assert!(said.err.contains("cloisterctl status"), "{}", said.err);
    }
    drop(daemon);
    assert_eq!(site.command("fingerprint").out, told.out);
}

#[test]
fn operators_are_said_to_have_no_effect() {
    let mut site = Site::ready();
    site.sections +=
        &format!("[[operator]]\nname = \"ann\"\nfingerprint = \"{:064x}\"\nmay = [\"admin\"]\n", 5);
    let words = "operators are not available in this build";
    let said = site.command("check");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "OK\n"), "{}", said.err);
    assert!(said.err.contains(words), "{}", said.err);
    let daemon = site.start();
    assert!(daemon.log().contains(words), "{}", daemon.log());
    assert!(daemon.status().warnings.iter().any(|warning| warning.contains(words)));
}

#[test]
fn this_daemon_is_nobodys_peer() {
    let mut site = Site::ready();
    let own = site.command("fingerprint").out;
    let sections = site.sections.clone();
    let peer = format!(
        "[[peer]]\nname = \"b\"\nrole = \"host\"\naddress = \"127.0.0.1:1\"\nfingerprint = \"{}\"\n",
        own.trim_end()
    );
    site.sections += &peer;
    for command in ["check", "run"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(2), "{command}: {}", said.err);
        assert!(said.err.contains("[[peer]] b has this daemon's own fingerprint"), "{}", said.err);
    }
    site.sections = sections.clone();
    let daemon = site.start();
    site.sections += &peer;
    let said = site.command("check");
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("own fingerprint"), "{}", said.err);
    let failure = daemon.failure(&Request::Reload);
    assert_failure(&failure, ErrorCode::Usage, "own fingerprint");
    assert_eq!(daemon.ask(&Request::Peers), Response::Peers(vec![]));
}

#[test]
fn another_master_key_opens_nothing() {
    let site = Site::ready();
    fs::write(site.path("master.key"), [7; 32]).unwrap();
    let said = site.command("run");
    assert_eq!(said.code, Some(7));
    assert!(said.err.contains("wrong key"), "{}", said.err);
}

#[test]
fn run_says_that_init_is_missing() {
    let mut site = Site::new();
    for command in ["run", "fingerprint"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains(if command == "run" { "state_dir" } else { "no vault" }), "{}", said.err);
        assert!(said.err.contains("cloisterd init"), "{}", said.err);
    }
    fs::create_dir(site.state()).unwrap();
    fs::set_permissions(site.state(), fs::Permissions::from_mode(0o700)).unwrap();
    let said = site.command("run");
    assert!(said.err.contains("no vault") && said.err.contains("cloisterd init"), "{}", said.err);
    site.master = "credential:cloister.master".into();
    let said = site.command("init");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("CREDENTIALS_DIRECTORY is not set"), "{}", said.err);
}

#[test]
fn check_is_content_or_says_every_problem() {
    let mut site = Site::ready();
    let said = site.command("check");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "OK\n", ""));

    fs::set_permissions(site.state(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(site.path("plugins/libjunk.so"), "not a library").unwrap();
    fs::set_permissions(site.path("plugins/libeuclidean.so"), fs::Permissions::from_mode(0o666)).unwrap();
    site.sections = "[paillier]\nbits = 2048\ntest_keys = true\n".into();
    let said = site.command("check");
    assert_ne!(said.code, Some(0));
    for problem in ["may be written to by others", "libjunk.so", "libeuclidean.so", "2048", "default metric"]
    {
        assert!(said.err.contains(problem), "{problem} is missing in\n{}", said.err);
    }
    assert_eq!(said.out, "");

    site.top = "name = \"a\"\nrole = \"hots\"\n".into();
    site.sections = "[paillier]\nbits = 1024\n[policy]\nmin_row = 3\n".into();
    let said = site.command("check");
    assert_eq!(said.code, Some(2));
    for problem in ["role", "paillier.bits", "policy.min_row"] {
        assert!(said.err.lines().any(|line| line.contains(problem)), "{problem} is missing in\n{}", said.err);
    }
    assert!(!said.err.contains("libjunk.so"), "what keys must be is in doubt\n{}", said.err);

    site.top = "name = \"a\"\nrole = \"host\"\n".into();
    site.sections =
        "[paillier]\nbits = 1024\ntest_keys = true\n[policy]\nmin_row = 3\n[[peer]]\nname = \"b\"\n".into();
    fs::set_permissions(site.path("master.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = site.command("check");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    for problem in ["policy.min_row", "peer[1].address", "state_dir", "libjunk.so", "has mode 0644"] {
        assert!(said.err.contains(problem), "{problem} is missing in\n{}", said.err);
    }
}

#[test]
fn a_stored_key_of_another_length_stops_the_start() {
    let mut site = Site::ready();
    site.sections = "[paillier]\nbits = 2048\ntest_keys = true\n".into();
    for command in ["run", "init", "check"] {
        let said = site.command(command);
        assert_eq!(said.code, Some(2), "{command}: {}", said.err);
        assert!(said.err.contains("paillier.bits is 2048, but the stored key has 1024 bits"), "{}", said.err);
        assert!(said.err.contains("set paillier.bits = 1024"), "{}", said.err);
    }
}

#[test]
fn a_passphrase_comes_from_a_file() {
    let mut site = Site::new();
    site.master = "passphrase".into();
    let file = site.path("words");
    let run = |command: &str, words: &str| {
        fs::write(&file, words).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let output = site.program(command).env("CLOISTER_PASSPHRASE_FILE", &file).output().unwrap();
        crate::site::Said::from(output)
    };
    let short = run("init", "short\n");
    assert_eq!(short.code, Some(2), "{}", short.err);
    let made = run("init", "correct horse battery staple\n");
    assert_eq!(made.code, Some(0), "{}", made.err);
    let told = run("fingerprint", "correct horse battery staple");
    assert_eq!((told.code, &told.out), (Some(0), &made.out));
    let wrong = run("fingerprint", "correct horse battery stable");
    assert_eq!(wrong.code, Some(7));
    assert!(wrong.err.contains("wrong key") && !wrong.err.contains("horse"), "{}", wrong.err);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let output = site.program("fingerprint").env("CLOISTER_PASSPHRASE_FILE", &file).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn a_credential_opens_the_vault() {
    let mut site = Site::new();
    site.master = "credential:cloister.master".into();
    let file = site.path("cloister.master");
    fs::write(&file, [9; 32]).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
    let run = |command: &str| {
        let output =
            site.program(command).env("CREDENTIALS_DIRECTORY", file.parent().unwrap()).output().unwrap();
        crate::site::Said::from(output)
    };
    let made = run("init");
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert_eq!(run("fingerprint").out, made.out);
    assert_eq!(run("check").out, "OK\n");
}

#[test]
fn a_third_party_needs_no_plugin_directory() {
    let mut site = Site::new();
    site.top = "name = \"t\"\nrole = \"third-party\"\n".into();
    fs::remove_dir_all(site.path("plugins")).unwrap();
    let made = site.command("init");
    assert_eq!(made.code, Some(0), "{}", made.err);
    let said = site.command("check");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "OK\n", ""));
    let daemon = site.start();
    assert_eq!(daemon.ask(&Request::Plugins), Response::Plugins(vec![]));
    assert_eq!(daemon.ask(&Request::Reload), Response::Reloaded { notes: vec![] });
    assert!(
        daemon
            .status()
            .warnings
            .iter()
            .all(|warning| warning.contains("test keys") || warning.contains("1024"))
    );

    site.top = "name = \"t\"\nrole = \"host\"\n".into();
    drop(daemon);
    let said = site.command("check");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("plugin directory"), "{}", said.err);
}
