//! What each rule of `tidy` finds, and what it lets pass.

use super::*;

/// A workspace without a fault; `check` lays the files of a case over it.
const CLEAN: [(&str, &str); 4] = [
    (
        "Cargo.toml",
        "[workspace]\nmembers = ['.', 'client', 'consumers']\n\
         [workspace.dependencies]\nbus = { package = 'fedmsg', path = 'client' }\n\
         [package]\nname = 'fedmsg-hub'\n[lints]\nworkspace = true\n\
         [dependencies]\nfedmsg.workspace = true\n",
    ),
    (
        "client/Cargo.toml",
        "[package]\nname = 'fedmsg'\n[lints]\nworkspace = true\n",
    ),
    (
        "consumers/Cargo.toml",
        "[package]\nname = 'fedmsg-consumers'\n[lints]\nworkspace = true\n",
    ),
    ("client/src/lib.rs", "//! A library.\n"),
];

/// Checks that in the clean workspace with `files` the rule finds these places and no others.
#[track_caller]
fn check(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], expected: &[&str]) {
    let files = CLEAN
        .iter()
        .chain(files)
        .map(|(path, text)| (path.to_string(), text.to_string()));
    let findings = rule(&Tree::new(files));
    let places: Vec<_> = findings
        .iter()
        .map(|finding| finding.place.as_str())
        .collect();
    assert_eq!(places, expected, "{}", report(&findings));
}

/// Returns the manifest of `package` with `rest` after what every manifest needs.
fn manifest(package: &str, rest: &str) -> String {
    format!("[package]\nname = '{package}'\n[lints]\nworkspace = true\n{rest}")
}

#[test]
fn an_arrow_to_the_left_or_sideways_is_found_in_every_table() {
    for section in [
        "dependencies",
        "dev-dependencies",
        "build-dependencies",
        "target.x.dependencies",
    ] {
        for name in ["fedmsg-actors", "fedmsg-consumers", "fedmsg-hub"] {
            let left = manifest("fedmsg", &format!("[{section}]\n{name}.workspace = true"));
            check(
                dependencies_point_right,
                &[("client/Cargo.toml", &left)],
                &["client/Cargo.toml"],
            );
        }
    }
    let sideways = manifest(
        "fedmsg-consumers",
        "[dependencies]\nfedmsg-producers.workspace = true",
    );
    let path = "consumers/Cargo.toml";
    check(dependencies_point_right, &[(path, &sideways)], &[path]);
}

#[test]
fn an_arrow_is_followed_through_a_rename() {
    let itself = manifest("fedmsg", "[dependencies]\nbus.workspace = true");
    check(
        dependencies_point_right,
        &[("client/Cargo.toml", &itself)],
        &["client/Cargo.toml"],
    );
}

#[test]
fn arrows_to_the_right_and_to_strangers_are_let_pass() {
    let right = "[dependencies]\nfedmsg-message.workspace = true\nserde.workspace = true";
    check(
        dependencies_point_right,
        &[("client/Cargo.toml", &manifest("fedmsg", right))],
        &[],
    );
}

#[test]
fn a_package_without_a_row_is_found() {
    let stranger = manifest("fedmsg-misc", "");
    check(
        dependencies_point_right,
        &[("client/Cargo.toml", &stranger)],
        &["client/Cargo.toml"],
    );
}

#[test]
fn a_library_is_found_outside_the_place_that_owns_it() {
    let transport: fn(&Tree) -> Vec<Finding> = |tree| owned(tree, &TRANSPORT);
    let text = "//! Header.\n\nuse tmq::Context;\n";
    for path in [
        "client/src/publisher.rs",
        "client/src/publisher/tests.rs",
        "examples/tail.rs",
    ] {
        check(transport, &[(path, text)], &[&format!("{path}:3")]);
    }
    for path in [
        "client/src/socket.rs",
        "client/src/socket/tests.rs",
        "tests/it/wire.rs",
    ] {
        check(transport, &[(path, text)], &[]);
    }
    let path = "config/src/lib.rs";
    let place = format!("{path}:1");
    check(
        |tree| owned(tree, &LAYERING),
        &[(path, "use figment::Figment;")],
        &[&place],
    );
    check(
        |tree| owned(tree, &ENGINE),
        &[(path, "type A = actix_rt::System;")],
        &[&place],
    );
    let actors = "actors/src/router.rs";
    check(
        |tree| owned(tree, &ENGINE),
        &[(actors, "use actix::Addr;")],
        &[],
    );
}

#[test]
fn a_library_is_found_in_the_manifest_of_a_package_that_does_not_own_it() {
    let consumers = |section: &str, name: &str| {
        manifest(
            "fedmsg-consumers",
            &format!("[{section}]\n{name}.workspace = true"),
        )
    };
    let path = "consumers/Cargo.toml";
    let transport: fn(&Tree) -> Vec<Finding> = |tree| owned(tree, &TRANSPORT);
    check(
        transport,
        &[(path, &consumers("dependencies", "zmq-sys"))],
        &[path],
    );
    check(
        transport,
        &[(path, &consumers("dev-dependencies", "zmq"))],
        &[],
    );
    let client = manifest("fedmsg", "[dependencies]\ntmq.workspace = true");
    check(transport, &[("client/Cargo.toml", &client)], &[]);
}

#[test]
fn a_word_in_a_comment_or_a_string_names_no_library() {
    let text = "//! Built on tmq.\n/// Wraps [`zmq`].\nconst A: &str = \"zmq\"; // zmq\n\
                const B: &str = r#\"use \"tmq\";\"#; /* tmq */ fn zmq_linger() {}\n";
    check(
        |tree| owned(tree, &TRANSPORT),
        &[("client/src/publisher.rs", text)],
        &[],
    );
}

#[test]
fn a_second_file_of_the_hub_that_names_actix_is_found() {
    let first = (
        "hub/src/commands/hub.rs",
        "fn run() { actix::System::new(); }",
    );
    check(hub_names_actix_once, &[first], &[]);
    let second = ("hub/src/signals.rs", "use actix_rt::spawn;");
    check(
        hub_names_actix_once,
        &[first, second],
        &["hub/src/signals.rs"],
    );
}

#[test]
fn a_file_without_a_header_is_found() {
    for text in [
        "",
        "\n//! Late.\n",
        "// A comment.\n",
        "/// Of an item.\nfn a() {}\n",
    ] {
        check(
            files_open_with_a_header,
            &[("examples/a.rs", text)],
            &["examples/a.rs:1"],
        );
    }
}

#[test]
fn a_long_file_is_found_by_its_lines_without_tests() {
    let code = "//! Header.\n".to_owned() + &"const A: u8 = 0;\n".repeat(MAX_LINES - 1);
    let tests = "#[cfg(test)]\n#[expect(dead_code)]\nmod tests {\n    fn a() {}\n}\n";
    let path = "client/src/long.rs";
    check(files_are_short, &[(path, &code)], &[]);
    check(files_are_short, &[(path, &format!("{code}{tests}"))], &[]);
    check(files_are_short, &[(path, &format!("{code}\n"))], &[path]);
    check(
        files_are_short,
        &[(path, &format!("{code}mod tests {{\n}}\n"))],
        &[path],
    );
    check(
        files_are_short,
        &[(path, &format!("{code}#[cfg(test)]\nfn a() {{}}\n"))],
        &[path],
    );
}

#[test]
fn a_long_file_of_tests_is_let_pass() {
    let code = "const A: u8 = 0;\n".repeat(MAX_LINES + 1);
    for path in [
        "client/src/socket/tests.rs",
        "tests/it/a.rs",
        "message/benches/a.rs",
    ] {
        check(files_are_short, &[(path, &code)], &[]);
    }
}

#[test]
fn a_mod_rs_is_found() {
    check(
        no_mod_rs,
        &[("client/src/socket/mod.rs", "")],
        &["client/src/socket/mod.rs"],
    );
    check(
        no_mod_rs,
        &[
            ("client/src/modem.rs", ""),
            ("client/src/socket_mod.rs", ""),
        ],
        &[],
    );
}

#[test]
fn a_file_or_folder_named_like_a_drawer_is_found() {
    for path in [
        "client/src/utils.rs",
        "tests/it/helpers/a.rs",
        "actors/src/test_util.rs",
    ] {
        check(no_drawers, &[(path, "")], &[path]);
    }
    check(
        no_drawers,
        &[("client/src/utilization.rs", ""), ("tests/utils.txt", "")],
        &[],
    );
}

#[test]
fn what_is_left_to_do_is_found_in_comments() {
    let path = "client/src/a.rs";
    for (text, line) in [
        ("// TODO: more", 1),
        ("fn a() {}\nfn b() {} // FIXME", 2),
        ("/* one\n TODO two */", 2),
        ("//! Header.\n\n/// Returns a TODO.\nfn a() {}", 3),
        ("fn a() {\n    todo!()\n}", 2),
    ] {
        check(
            nothing_is_unfinished,
            &[(path, text)],
            &[&format!("{path}:{line}")],
        );
    }
    let script = ("dev", "#!/bin/sh\necho # TODO\n");
    check(
        nothing_is_unfinished,
        &[script, ("a.toml", "# FIXME\n")],
        &["a.toml:1", "dev:2"],
    );
}

#[test]
fn words_that_only_look_like_something_to_do_are_let_pass() {
    let text =
        "const TODO: &str = \"TODO\"; // TODOS, a_TODO_b\nfn todo() { let s = r\"// FIXME\"; }";
    let prose = ("CONTRIBUTING.md", "No TODO.");
    check(
        nothing_is_unfinished,
        &[("client/src/a.rs", text), prose],
        &[],
    );
}

#[test]
fn a_table_of_features_is_found() {
    let client = manifest("fedmsg", "[features]\ndefault = []");
    check(
        no_features,
        &[("client/Cargo.toml", &client)],
        &["client/Cargo.toml"],
    );
    let uses = manifest(
        "fedmsg",
        "[dependencies]\na = { workspace = true, features = ['b'] }",
    );
    check(no_features, &[("client/Cargo.toml", &uses)], &[]);
}

#[test]
fn a_version_outside_the_root_manifest_is_found() {
    let path = "client/Cargo.toml";
    for entry in [
        "a = '1'",
        "a = { version = '1' }",
        "a = { path = '../a' }",
        "a.git = 'b'",
    ] {
        for section in [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let client = manifest("fedmsg", &format!("[{section}]\n{entry}"));
            check(versions_are_shared, &[(path, &client)], &[path]);
        }
    }
    let shared = manifest(
        "fedmsg",
        "[dependencies]\na = { workspace = true, features = ['b'] }",
    );
    check(versions_are_shared, &[(path, &shared)], &[]);
}

#[test]
fn a_package_without_the_lints_of_the_workspace_is_found() {
    let path = "client/Cargo.toml";
    for rest in [
        "",
        "[lints]\nworkspace = false",
        "[lints.rust]\nunsafe_code = 'deny'",
    ] {
        let client = format!("[package]\nname = 'fedmsg'\n{rest}");
        check(lints_are_shared, &[(path, &client)], &[path]);
    }
    check(lints_are_shared, &[], &[]);
}

#[test]
fn a_library_that_prints_is_found() {
    let text = "//! Header.\nfn a() {\n    eprintln!(\"x\");\n}\n";
    check(
        no_prints_in_libraries,
        &[("client/src/a.rs", text)],
        &["client/src/a.rs:3"],
    );
    let tests = "#[cfg(test)]\nmod tests {\n    fn a() { println!(); }\n}\n";
    let quoted = "/// println!()\nfn print(println: bool) -> bool { println }";
    let elsewhere = ("hub/src/commands/tail.rs", text);
    let passed = [
        ("client/src/a.rs", tests),
        ("client/src/b.rs", quoted),
        elsewhere,
    ];
    check(no_prints_in_libraries, &passed, &[]);
}

#[test]
fn a_part_of_the_plugin_surface_without_an_example_is_found() {
    let exports = "//! Header.\npub use self::{a::{A, b}, c::C};\npub use other::D;\nuse e::E;\n";
    let with = "/// An item.\n///\n/// ```no_run\n/// a();\n/// ```\n#[derive(Debug)]\n";
    let check_item = |text: &str, expected: &[&str]| {
        let files = [("actors/src/lib.rs", exports), ("actors/src/a.rs", text)];
        check(the_plugin_surface_has_examples, &files, expected);
    };
    check_item(
        "//! Header.\n\n/// Nothing.\npub struct A;\n",
        &["actors/src/a.rs:4"],
    );
    check_item("pub async fn b() {}\n", &["actors/src/a.rs:1"]);
    check_item(
        "/// ```text\n/// no code\n/// ```\npub enum C {}\n",
        &["actors/src/a.rs:4"],
    );
    check_item(&format!("{with}pub struct A;\n"), &[]);
    check_item(
        "pub struct E;\npub(crate) struct C;\nmod m { pub struct A; }\n",
        &[],
    );
    check_item("impl X { pub fn b() {} }\nstruct A;\n", &[]);
}
