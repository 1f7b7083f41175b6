//! What the rules of `tidy` want to know of a package's manifest.

use toml::{Table, Value};

/// The manifest of a member of the workspace.
pub(super) struct Manifest {
    /// Its path in the repository.
    pub(super) path: String,
    /// The name of the package.
    pub(super) package: String,
    /// Everything it depends on, also for tests, builds and single targets.
    pub(super) dependencies: Vec<Dependency>,
    /// Whether it has a `[features]` table.
    pub(super) has_features: bool,
    /// Whether it takes the lints of the workspace.
    pub(super) has_workspace_lints: bool,
}

/// An entry of a `[…dependencies]` table.
pub(super) struct Dependency {
    /// The table it is in, such as `dev-dependencies`.
    pub(super) section: String,
    /// Its key in that table.
    pub(super) name: String,
    /// The package that this key stands for.
    pub(super) package: String,
    /// Whether its version is that of the workspace.
    pub(super) is_shared: bool,
}

impl Manifest {
    /// Returns the manifests of all members, the root package first; `text` reads a file.
    pub(super) fn of_workspace<'t>(text: impl Fn(&str) -> Option<&'t str>) -> Vec<Self> {
        let parse = |path: &str| -> Table {
            let text = text(path).unwrap_or_else(|| panic!("{path} is missing"));
            toml::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let root = parse("Cargo.toml");
        let workspace = table(&root, "workspace");
        let shared = table(&workspace, "dependencies");
        let members = workspace.get("members").and_then(Value::as_array);
        let members = members
            .expect("a list of members")
            .iter()
            .filter_map(Value::as_str);
        let path = |member: &str| match member {
            "." => "Cargo.toml".to_owned(),
            folder => format!("{folder}/Cargo.toml"),
        };
        members
            .map(path)
            .map(|path| Self::new(&path, &parse(&path), &shared))
            .collect()
    }

    fn new(path: &str, manifest: &Table, shared: &Table) -> Self {
        let name = table(manifest, "package")
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut dependencies = dependencies(manifest, "", shared);
        for (target, of_target) in table(manifest, "target") {
            let of_target = of_target.as_table().cloned().unwrap_or_default();
            dependencies.extend(self::dependencies(
                &of_target,
                &format!("target.{target}."),
                shared,
            ));
        }
        Self {
            path: path.to_owned(),
            package: name.unwrap_or_else(|| panic!("{path} has no package name")),
            dependencies,
            has_features: manifest.contains_key("features"),
            has_workspace_lints: is_true(&table(manifest, "lints"), "workspace"),
        }
    }
}

fn dependencies(manifest: &Table, prefix: &str, shared: &Table) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, value) in table(manifest, section) {
            let renamed = value
                .get("package")
                .or_else(|| shared.get(&name)?.get("package"));
            let package = renamed.and_then(Value::as_str).unwrap_or(&name).to_owned();
            let is_shared = value
                .as_table()
                .is_some_and(|table| is_true(table, "workspace"));
            let section = format!("{prefix}{section}");
            dependencies.push(Dependency {
                section,
                name,
                package,
                is_shared,
            });
        }
    }
    dependencies
}

/// Returns the table under `key`, an empty one if there is none.
fn table(table: &Table, key: &str) -> Table {
    table
        .get(key)
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default()
}

fn is_true(table: &Table, key: &str) -> bool {
    table.get(key).and_then(Value::as_bool) == Some(true)
}
