//! Tests of the search for files, in a directory of their own.

use tempfile::TempDir;

use super::*;

/// A root directory with the given files, whose text is their own path as a TOML list item.
fn root(paths: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for path in paths {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "active = true").unwrap();
    }
    root
}

fn sources(root: &TempDir, named: Option<&str>) -> Sources {
    Sources {
        config: named.map(PathBuf::from),
        root: root.path().to_owned(),
        cwd: root.path().join("work"),
        xdg_config_home: Some(root.path().join("home/.config")),
        ..Sources::default()
    }
}

/// Compares what is read, in order, by path below the root.
#[track_caller]
fn check(paths: &[&str], named: Option<&str>, expected: &[&str]) {
    let root = root(paths);
    let files = Files::read(&sources(&root, named));
    assert!(files.errors.is_empty(), "{:?}", files.errors);
    assert_eq!(files.layers.len(), files.paths.len());
    let relative = |path: &PathBuf| {
        let path = path.strip_prefix(root.path()).unwrap_or(path);
        path.to_str().unwrap().to_owned()
    };
    assert_eq!(
        files.paths.iter().map(relative).collect::<Vec<_>>(),
        expected
    );
}

#[track_caller]
fn check_error(paths: &[&str], named: &str) -> Problem {
    let root = root(paths);
    let mut files = Files::read(&sources(&root, Some(named)));
    assert_eq!(files.errors.len(), 1, "{:?}", files.errors);
    let error = files.errors.remove(0);
    assert_eq!(
        error.origin,
        Origin::File {
            path: named.into(),
            position: None
        }
    );
    error.problem
}

#[test]
fn the_usual_files_are_read_from_the_vendor_to_the_working_directory() {
    check(&[], None, &[]);
    check(
        &[
            "work/fedmsg.toml",
            "home/.config/fedmsg/fedmsg.toml",
            "etc/fedmsg/conf.d/20-b.toml",
            "etc/fedmsg/conf.d/10-a.toml",
            "etc/fedmsg/fedmsg.toml",
            "usr/lib/fedmsg/conf.d/50-vendor.toml",
            "usr/lib/fedmsg/fedmsg.toml",
            "etc/fedmsg/other.toml",
        ],
        None,
        &[
            "usr/lib/fedmsg/conf.d/50-vendor.toml",
            "etc/fedmsg/fedmsg.toml",
            "etc/fedmsg/conf.d/10-a.toml",
            "etc/fedmsg/conf.d/20-b.toml",
            "home/.config/fedmsg/fedmsg.toml",
            "fedmsg.toml",
        ],
    );
}

#[test]
fn only_toml_files_of_a_directory_are_read() {
    check(
        &[
            "etc/fedmsg/conf.d/a.toml",
            "etc/fedmsg/conf.d/.hidden.toml",
            "etc/fedmsg/conf.d/.#a.toml",
            "etc/fedmsg/conf.d/a.toml.rpmsave",
            "etc/fedmsg/conf.d/a.toml~",
            "etc/fedmsg/conf.d/toml",
            "etc/fedmsg/conf.d/directory.toml/x.toml",
        ],
        None,
        &["etc/fedmsg/conf.d/a.toml"],
    );
}

#[test]
fn a_named_file_is_read_alone_whatever_its_name() {
    check(
        &["work/my.conf", "work/fedmsg.toml", "etc/fedmsg/fedmsg.toml"],
        Some("my.conf"),
        &["my.conf"],
    );
}

#[test]
fn a_named_directory_is_its_main_file_and_its_drop_ins() {
    check(
        &[
            "work/d/fedmsg.toml",
            "work/d/conf.d/b.toml",
            "work/d/conf.d/a.toml",
            "work/d/x.toml",
        ],
        Some("d"),
        &["d/fedmsg.toml", "d/conf.d/a.toml", "d/conf.d/b.toml"],
    );
    check(
        &["work/d/conf.d/a.toml", "work/d/x.toml"],
        Some("d"),
        &["d/conf.d/a.toml"],
    );
    check(&["work/d/fedmsg.toml"], Some("d"), &["d/fedmsg.toml"]);
}

#[test]
fn a_named_directory_without_them_is_all_its_toml_files() {
    check(
        &["work/d/b.toml", "work/d/a.toml"],
        Some("d"),
        &["d/a.toml", "d/b.toml"],
    );
}

#[test]
fn what_is_named_must_exist() {
    assert!(matches!(
        check_error(&["etc/fedmsg/fedmsg.toml"], "no-such.toml"),
        Problem::NotFound
    ));
    assert!(matches!(
        check_error(&["work/a.toml"], "a.toml/b.toml"),
        Problem::NotFound
    ));
    assert!(matches!(
        check_error(&["work/d/readme"], "d"),
        Problem::EmptyDirectory
    ));
}

#[test]
fn files_of_the_original_are_known_for_what_they_are() {
    let named = |path: &str, text: &str, named: &str| {
        let root = root(&[path]);
        fs::write(root.path().join(path), text).unwrap();
        let files = Files::read(&sources(&root, Some(named)));
        let errors = files.errors.iter().map(ToString::to_string);
        errors.collect::<Vec<_>>()
    };
    let python = "config = dict(\n    active=True,\n)\n";
    let advice = "not read: it is Python, as configurations of the original are; \
                  `fedmsg-config import` makes TOML of it";
    assert_eq!(
        named("work/a.py", python, "a.py"),
        [format!("a.py: {advice}")]
    );
    assert_eq!(named("work/d/a.py", python, "d"), [format!("d: {advice}")]);
    // A name does not make Python of it.
    assert_eq!(named("work/a.py", "active = true", "a.py"), [""; 0]);
    let mistake = named("work/a.toml", python, "a.toml");
    assert!(mistake[0].starts_with("a.toml:1: "), "{mistake:?}");
}

#[test]
fn files_of_the_original_are_mentioned_where_there_are_no_others() {
    let warnings = |paths: &[&str]| {
        let root = root(paths);
        let sources = Sources {
            original: ["fedmsg.d", "fedmsg-config.py"].map(PathBuf::from).into(),
            ..sources(&root, None)
        };
        let files = Files::read(&sources);
        assert!(files.errors.is_empty(), "{:?}", files.errors);
        let is_original = |it: &ConfigError| matches!(it.problem, Problem::Original);
        assert!(files.warnings.iter().all(is_original));
        let origins = files.warnings.iter().map(|it| it.origin.to_string());
        origins.collect::<Vec<_>>()
    };
    assert_eq!(warnings(&["work/fedmsg.d/m.py"]), ["fedmsg.d"]);
    let both = ["work/fedmsg.d/m.py", "work/fedmsg-config.py"];
    assert_eq!(warnings(&both), ["fedmsg.d", "fedmsg-config.py"]);
    assert_eq!(warnings(&["work/fedmsg.d/m.pyc"]), [""; 0]);
    // What has been imported may stay.
    assert_eq!(
        warnings(&["work/fedmsg.d/m.py", "work/fedmsg.toml"]),
        [""; 0]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_that_names_it() {
    let root = root(&["etc/fedmsg/conf.d/a.toml", "etc/fedmsg/conf.d/c.toml"]);
    let conf_d = root.path().join("etc/fedmsg/conf.d");
    fs::write(conf_d.join("b.toml"), b"name = \"caf\xe9\"").unwrap();
    std::os::unix::fs::symlink("nowhere", conf_d.join("dangling.toml")).unwrap();
    fs::create_dir_all(root.path().join("etc/fedmsg/fedmsg.toml")).unwrap();
    let files = Files::read(&sources(&root, None));
    let problems: Vec<_> = files
        .errors
        .iter()
        .map(|error| match &error.origin {
            Origin::File { path, .. } => {
                (path.file_name().unwrap().to_str().unwrap(), &error.problem)
            }
            other => panic!("{other}"),
        })
        .collect();
    assert!(
        matches!(
            problems[..],
            [
                ("fedmsg.toml", Problem::Unreadable(_)),
                ("b.toml", Problem::Unreadable(_)),
                ("dangling.toml", Problem::NotFound),
            ]
        ),
        "{problems:?}"
    );
    assert_eq!(files.layers.len(), 2);
}

#[test]
fn a_file_with_a_syntax_error_gives_its_place_and_no_settings() {
    let root = root(&["etc/fedmsg/conf.d/a.toml"]);
    fs::write(
        root.path().join("etc/fedmsg/fedmsg.toml"),
        "active = true\ntimeout = 2s\n",
    )
    .unwrap();
    let files = Files::read(&sources(&root, None));
    assert_eq!(
        (files.layers.len(), files.paths.len(), files.errors.len()),
        (1, 2, 1)
    );
    assert_eq!(
        (files.errors[0].line(), files.errors[0].column()),
        (Some(2), Some(11))
    );
    assert!(matches!(files.errors[0].problem, Problem::Syntax { .. }));
}

#[test]
fn what_is_no_regular_file_or_too_large_is_neither_waited_for_nor_read_to_its_end() {
    let root = root(&["work/conf/a.toml"]);
    let conf = root.path().join("work/conf");
    let made = std::process::Command::new("mkfifo")
        .arg(conf.join("fifo.toml"))
        .status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", conf.join("zero.toml")).unwrap();
    let large = fs::File::create(conf.join("large.toml")).unwrap();
    large.set_len(LARGEST + 1).unwrap();
    let files = Files::read(&sources(&root, Some("conf")));
    let errors: Vec<_> = files.errors.iter().map(ToString::to_string).collect();
    let expected = [
        "conf/fifo.toml: cannot read: it is no regular file",
        "conf/large.toml: cannot read: it is larger than 16 MiB, as no configuration is",
        "conf/zero.toml: cannot read: it is no regular file",
    ];
    assert_eq!(errors, expected);
    assert_eq!(files.layers.len(), 1);
    // Whoever names it gets it, but no more than the limit.
    let files = Files::read(&sources(&root, Some("/dev/zero")));
    assert!(files.errors[0].to_string().contains("larger than 16 MiB"));
}
