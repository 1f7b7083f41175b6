//! Tests of loading: which source wins, what is found wrong, and where it is said to be.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::{Params, Position};

/// A machine of its own: directories for system, user and work.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, path: &str, text: &str) -> Self {
        let file = self.0.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn sources(&self) -> Sources {
        Sources {
            root: self.0.path().to_owned(),
            cwd: self.path("work"),
            xdg_config_home: Some(self.path("home/.config")),
            ..Sources::default()
        }
    }
}

fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn of(loaded: &Loaded, key: impl Into<KeyPath>) -> Origin {
    loaded.origins.of(&key.into())
}

fn file(path: impl AsRef<Path>, line: usize, column: usize) -> Origin {
    let position = Some(Position { line, column });
    Origin::File {
        path: path.as_ref().to_owned(),
        position,
    }
}

const VENDOR: &str = "usr/lib/fedmsg/conf.d/50-vendor.toml";
const SYSTEM: &str = "etc/fedmsg/fedmsg.toml";
const DROP_IN: &str = "etc/fedmsg/conf.d/10-site.toml";
const USER: &str = "home/.config/fedmsg/fedmsg.toml";
const WORK: &str = "work/fedmsg.toml";

#[test]
fn without_any_source_the_defaults_hold() {
    let loaded = Config::load(&Machine::new().sources()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.files.is_empty() && !loaded.used_fallback);
    assert_eq!(of(&loaded, "timeout"), Origin::Default);
}

/// Every source sets `environment` to its own name; they are taken away from the top, one by one.
#[test]
fn each_source_wins_over_those_below_it() {
    let mut machine = Machine::new();
    let mut sources = machine.sources();
    let check = |machine: &Machine, sources: &Sources, expected: &str, origin: Origin| {
        let sources = Sources {
            root: machine.sources().root,
            ..sources.clone()
        };
        let loaded = Config::load(&sources).unwrap();
        assert_eq!(loaded.config.environment, expected);
        assert_eq!(of(&loaded, "environment"), origin);
    };
    check(&machine, &sources, "dev", Origin::Default);
    for (path, name) in [
        (VENDOR, "vendor"),
        (SYSTEM, "system"),
        (DROP_IN, "drop-in"),
        ("etc/fedmsg/conf.d/20-later.toml", "later"),
        (USER, "user"),
        (WORK, "work"),
    ] {
        machine = machine.with(path, &format!("environment = '{name}'"));
        let shown = if path == WORK {
            "fedmsg.toml".into()
        } else {
            machine.path(path)
        };
        check(&machine, &sources, name, file(shown, 1, 1));
    }
    sources.env = variables(&[("FEDMSG_ENVIRONMENT", "variable")]);
    check(
        &machine,
        &sources,
        "variable",
        Origin::Variable {
            name: "FEDMSG_ENVIRONMENT".into(),
        },
    );
    sources.flags = toml::toml! { environment = "flag" };
    check(&machine, &sources, "flag", Origin::Flag);
}

#[test]
fn the_files_are_listed_in_the_order_in_which_they_were_read() {
    let machine = Machine::new()
        .with(WORK, "")
        .with(VENDOR, "")
        .with(SYSTEM, "");
    let loaded = Config::load(&machine.sources()).unwrap();
    let expected = [
        machine.path(VENDOR),
        machine.path(SYSTEM),
        "fedmsg.toml".into(),
    ];
    assert_eq!(loaded.files, expected);
}

#[test]
fn tables_are_merged_key_by_key_and_lists_replaced() {
    let machine = Machine::new()
        .with(
            SYSTEM,
            "relay_inbound = ['tcp://a:1', 'tcp://b:1']\n[consumers.audit]\nkind = 'log'\n\
             workers = 2\n[consumers.audit.params]\nx = 1\ny = [1, 2]",
        )
        .with(
            DROP_IN,
            "relay_inbound = 'tcp://c:1'\n[endpoints]\n'x.y' = 'tcp://x:1'\n\n[consumers.audit]\n\
             workers = 3\nparams = { y = [3], z = 2 }",
        );
    let loaded = Config::load(&machine.sources()).unwrap();
    let Config {
        relay_inbound,
        endpoints,
        consumers,
        ..
    } = &loaded.config;
    assert_eq!(relay_inbound[..], ["tcp://c:1".parse().unwrap()]);
    let names: Vec<_> = endpoints.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["relay_outbound", "x.y"]);
    let audit = &consumers["audit"];
    assert_eq!((audit.kind.as_str(), audit.workers), ("log", 3));
    assert_eq!(
        audit.params,
        Params::from(toml::toml! { x = 1
        y = [3]
        z = 2 })
    );
    let audit = KeyPath::from(["consumers", "audit"]);
    assert_eq!(
        of(&loaded, audit.child("kind")),
        file(machine.path(SYSTEM), 3, 1)
    );
    assert_eq!(
        of(&loaded, audit.child("workers")),
        file(machine.path(DROP_IN), 6, 1)
    );
    assert_eq!(
        of(&loaded, audit.child("params").child("y").child(0)),
        file(machine.path(DROP_IN), 7, 17)
    );
    assert_eq!(
        of(&loaded, audit.child("params").child("z")),
        file(machine.path(DROP_IN), 7, 21)
    );
    assert_eq!(
        of(&loaded, ["endpoints", "relay_outbound"]),
        Origin::Default
    );
}

#[test]
fn a_named_configuration_takes_the_place_of_the_files_but_not_of_the_rest() {
    let machine = Machine::new()
        .with(SYSTEM, "name = 'system'\nactive = true")
        .with("work/my.toml", "name = 'mine'\ntimeout = 1");
    let sources = Sources {
        config: Some("my.toml".into()),
        env: variables(&[("FEDMSG_TIMEOUT", "7"), ("FEDMSG_CONFIG", "ignored.toml")]),
        ..machine.sources()
    };
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.config.name.as_deref(), Some("mine"));
    assert_eq!(
        (loaded.config.active, loaded.config.timeout.as_secs()),
        (false, 7)
    );
    assert_eq!(loaded.files, [PathBuf::from("my.toml")]);
    let sources = Sources {
        env: variables(&[("FEDMSG_CONFIG", machine.path(SYSTEM).to_str().unwrap())]),
        ..machine.sources()
    };
    assert_eq!(
        Config::load(&sources).unwrap().config.name.as_deref(),
        Some("system")
    );
}

#[test]
fn a_named_configuration_that_does_not_exist_is_an_error() {
    for named in ["flag", "variable"] {
        let machine = Machine::new().with(SYSTEM, "");
        let mut sources = Sources {
            fallback: Some(""),
            ..machine.sources()
        };
        match named {
            "flag" => sources.config = Some("missing.toml".into()),
            _ => sources.env = variables(&[("FEDMSG_CONFIG", "missing.toml")]),
        }
        let errors = Config::load(&sources).unwrap_err();
        assert_eq!(
            errors.to_string(),
            "missing.toml: no such file or directory"
        );
    }
}

#[test]
fn the_fallback_is_used_only_where_there_is_no_file_at_all() {
    let sources = |machine: &Machine| Sources {
        fallback: Some("\nname = 'fallback'"),
        ..machine.sources()
    };
    let machine = Machine::new();
    let loaded = Config::load(&Sources {
        env: variables(&[("FEDMSG_TIMEOUT", "7")]),
        ..sources(&machine)
    })
    .unwrap();
    assert!(loaded.used_fallback && loaded.files.is_empty());
    assert_eq!(loaded.config.name.as_deref(), Some("fallback"));
    assert_eq!(loaded.config.timeout.as_secs(), 7);
    assert_eq!(
        of(&loaded, "name").position(),
        Some(Position { line: 2, column: 1 })
    );
    let loaded = Config::load(&sources(&Machine::new().with(DROP_IN, ""))).unwrap();
    assert!(!loaded.used_fallback);
    assert_eq!(loaded.config.name, None);
}

#[test]
fn an_error_names_file_line_and_key() {
    let machine = Machine::new().with(
        WORK,
        "[consumers.audit]\nkind = 'log'\n\nkindd = 'x'\ntopics = ['a', 'b*']\n\
             wokers = 1\nqqqqqq = 2",
    );
    let errors = Config::load(&machine.sources()).unwrap_err();
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines[0],
        "fedmsg.toml:4: consumers.audit.kindd: unknown key; did you mean \"kind\"?"
    );
    assert!(
        lines[1].starts_with("fedmsg.toml:5: consumers.audit.topics[1]: "),
        "{}",
        lines[1]
    );
    assert_eq!(
        lines[2],
        "fedmsg.toml:6: consumers.audit.wokers: unknown key; did you mean \"workers\"?"
    );
    assert_eq!(
        lines[3],
        "fedmsg.toml:7: consumers.audit.qqqqqq: unknown key; known: kind, enabled, topics, \
         source, validate_signatures, workers, stuck_after, mailbox, retry, restart, params"
    );
    assert_eq!(errors.to_string(), lines.join("\n"));
}

#[test]
fn a_key_of_the_top_that_slipped_into_a_table_is_recognised() {
    let machine = Machine::new().with(
        WORK,
        "[endpoints]\nzmq_linger = 5\n[consumers.a]\nkind = 'k'\ntimeout = 1\n\
         mailbox = { active = true }\nenabled = 1",
    );
    let errors = Config::load(&machine.sources()).unwrap_err();
    let advice: Vec<_> = errors
        .iter()
        .map(|error| error.suggestion.as_deref())
        .collect();
    assert_eq!(errors.len(), 4);
    for (advice, key) in advice.iter().zip(["zmq_linger", "timeout", "active"]) {
        let expected = format!("to set {key} itself, write it above the first [table] of the file");
        assert_eq!(*advice, Some(expected.as_str()));
    }
    assert_eq!(advice[3], None);
    let errors = Config::from_toml("timeout = true").unwrap_err();
    assert_eq!(errors.iter().next().unwrap().suggestion, None);
}

#[test]
fn a_key_of_the_top_is_recognised_that_has_no_default() {
    for key in [
        "name",
        "bind_host",
        "cert_prefix",
        "crl_location",
        "moksha.monitoring.socket",
        "moksha.monitoring.socket.mode",
    ] {
        let toml = format!("[consumers.a]\nkind = 'k'\n'{key}' = '/x'");
        let errors = Config::from_toml(&toml).unwrap_err();
        let advice: Vec<_> = errors.iter().map(|it| it.suggestion.as_deref()).collect();
        let expected = format!("to set {key} itself, write it above the first [table] of the file");
        assert_eq!(advice, [Some(expected.as_str())]);
    }
}

#[test]
fn a_variable_is_in_no_file_to_be_moved_in() {
    let machine = Machine::new().with(WORK, "[consumers.a]\nkind = 'k'");
    let sources = Sources {
        env: variables(&[("FEDMSG_CONSUMERS__A__TIMEOUT", "1")]),
        ..machine.sources()
    };
    let errors = Config::load(&sources).unwrap_err();
    let advice = errors.iter().next().unwrap().suggestion.as_deref();
    assert!(advice.unwrap().starts_with("known: kind, "), "{advice:?}");
}

#[test]
fn errors_of_all_sources_are_reported_at_once() {
    let machine = Machine::new()
        .with(VENDOR, "timeout = 'soon'")
        .with(SYSTEM, "[endpoints]\n'x.y' = ['tcp://x:1', 'x:1']")
        .with(
            DROP_IN,
            "[consumers.audit]\ntopics = '#'\n[producers.beat]\nkind = 'k'\ncron = '0 0 30 2 *'",
        );
    let sources = Sources {
        env: variables(&[
            ("FEDMSG_IO_THREADS", "many"),
            ("FEDMSG_NAME", "[42]"),
            ("FEDMSG_TIMOUT", "1"),
        ]),
        flags: toml::toml! { active = "yes" },
        ..machine.sources()
    };
    let errors = Config::load(&sources).unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.origin.clone(), error.key.to_string()))
        .collect();
    let variable = |name: &str| Origin::Variable {
        name: name.to_owned(),
    };
    assert_eq!(
        found,
        [
            (
                file(machine.path(DROP_IN), 1, 12),
                "consumers.audit.kind".to_owned()
            ),
            (
                file(machine.path(DROP_IN), 5, 1),
                "producers.beat.cron".to_owned()
            ),
            (
                file(machine.path(SYSTEM), 2, 23),
                "endpoints.\"x.y\"[1]".to_owned()
            ),
            (file(machine.path(VENDOR), 1, 1), "timeout".to_owned()),
            (variable("FEDMSG_IO_THREADS"), "io_threads".to_owned()),
            (variable("FEDMSG_NAME"), "name".to_owned()),
            (variable("FEDMSG_TIMOUT"), "timout".to_owned()),
            (Origin::Flag, "active".to_owned()),
        ]
    );
}

#[test]
fn a_variable_that_should_be_text_is_told_to_be_quoted() {
    let sources = Sources {
        env: variables(&[("FEDMSG_NAME", "[42]")]),
        ..Machine::new().sources()
    };
    let errors = Config::load(&sources).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "FEDMSG_NAME: name: expected a string, found a list; quotes make a string \
         of it: FEDMSG_NAME='\"…\"'"
    );
    let sources = Sources {
        env: variables(&[("FEDMSG_NAME", "\"42\"")]),
        ..sources
    };
    assert_eq!(
        Config::load(&sources).unwrap().config.name.as_deref(),
        Some("42")
    );
}

#[test]
fn variables_reach_into_tables() {
    let machine = Machine::new().with(WORK, "consumers.audit.kind = 'log'");
    let sources = Sources {
        env: variables(&[
            ("FEDMSG_CONSUMERS__AUDIT__TOPICS", "['org.a.#', 'org.b.#']"),
            ("FEDMSG_ENDPOINTS__RELAY_OUTBOUND", "tcp://relay:4001"),
            ("FEDMSG_OTHER_TOOL", "1"),
            ("PATH", "/bin"),
        ]),
        not_settings: vec!["FEDMSG_OTHER_TOOL".to_owned()],
        ..machine.sources()
    };
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(
        loaded.config.consumers["audit"]
            .topics
            .as_ref()
            .map(Vec::len),
        Some(2)
    );
    let relay = loaded.config.endpoints.get("relay_outbound").unwrap();
    assert_eq!(relay[..], ["tcp://relay:4001".parse().unwrap()]);
}

#[test]
fn a_file_that_is_no_toml_does_not_hide_what_is_wrong_elsewhere() {
    let machine = Machine::new()
        .with(SYSTEM, "[consumers.audit\nkind = 'log'")
        .with(
            DROP_IN,
            "[consumers.audit]\nwokers = 2\n[producers.beat]\nkind = 'k'",
        );
    let errors = Config::load(&machine.sources()).unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| &error.problem).collect();
    // The kind may well stand in the file that was not understood, and the schedule too.
    assert!(
        matches!(
            found[..],
            [Problem::UnknownKey { .. }, Problem::Syntax { .. }]
        ),
        "{errors}"
    );
}

#[test]
fn a_syntax_error_shows_the_line_and_a_caret() {
    let machine = Machine::new().with(WORK, "active = true\ntimeout = 2s\n");
    let errors = Config::load(&machine.sources()).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "fedmsg.toml:2: string values must be quoted, expected literal string\n\
         \x20 2 | timeout = 2s\n    |           ^^"
    );
}

#[test]
fn a_value_that_may_be_secret_is_in_no_error() {
    let machine = Machine::new().with(
        WORK,
        "timeout = ['hunter2']\n[consumers.a]\nkind = 'k'\nworkers = 'hunter2'\nparams = 'hunter2'",
    );
    let sources = Sources {
        env: variables(&[
            ("FEDMSG_ACTIVE", "hunter2"),
            ("FEDMSG_ENDPOINTS", "hunter2"),
        ]),
        ..machine.sources()
    };
    let errors = Config::load(&sources).unwrap_err();
    assert_eq!(errors.len(), 5);
    assert!(!errors.to_string().contains("hunter2") && !format!("{errors:?}").contains("hunter2"));
}

#[test]
fn params_that_a_kind_refuses_get_their_place() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Typed {
        host: String,
        port: u16,
    }
    let machine = Machine::new().with(
        WORK,
        "[consumers.'a.b']\nkind = 'k'\n[consumers.'a.b'.params]\nhots = 'x'\nport = 'y'",
    );
    let loaded = Config::load(&machine.sources()).unwrap();
    let error = loaded.config.consumers["a.b"]
        .params
        .parse::<Typed>()
        .unwrap_err();
    assert_eq!(
        loaded.origins.consumer_errors("a.b", error).to_string(),
        "fedmsg.toml:3: consumers.\"a.b\".params.host: missing key\n\
         fedmsg.toml:4: consumers.\"a.b\".params.hots: unknown key; did you mean \"host\"?\n\
         fedmsg.toml:5: consumers.\"a.b\".params.port: expected an integer from 0 to 65535, \
         found a string"
    );
    let unknown = Problem::UnknownName {
        name: "lgo".to_owned(),
        known: vec!["log".to_owned()],
    };
    assert_eq!(
        loaded
            .origins
            .error(KeyPath::from(["consumers", "a.b", "kind"]), unknown)
            .to_string(),
        "fedmsg.toml:2: consumers.\"a.b\".kind: unknown value; did you mean \"log\"?"
    );
}

#[test]
fn a_date_in_params_survives_the_merging() {
    let machine = Machine::new()
        .with(
            SYSTEM,
            "[consumers.a]\nkind = 'k'\nparams.since = { year = 1 }",
        )
        .with(DROP_IN, "consumers.a.params.since = 1979-05-27");
    let loaded = Config::load(&machine.sources()).unwrap();
    let expected = toml::toml! { since = 1979-05-27 };
    assert_eq!(loaded.config.consumers["a"].params, Params::from(expected));
}

#[test]
fn a_value_in_the_place_of_a_table_is_refused_where_it_stands() {
    let machine = Machine::new()
        .with(SYSTEM, "[consumers.a]\nkind = 'k'")
        .with(DROP_IN, "\nconsumers = 'none'");
    let errors = Config::load(&machine.sources()).unwrap_err();
    assert_eq!(
        errors.iter().next().unwrap().origin,
        file(machine.path(DROP_IN), 2, 1)
    );
}
