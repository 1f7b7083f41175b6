//! The blocks of TOML.

use fedmsg_hub::{Config, Registry};
use toml::Table;

use super::{blocks, repository};

/// Begins a block that is not a configuration but a manifest.
const MANIFEST: &str = "# Cargo.toml\n";

#[test]
fn every_block_of_toml_is_a_configuration_that_a_hub_can_run() {
    let mut registry = Registry::default();
    fedmsg_consumers::register(&mut registry);
    fedmsg_producers::register(&mut registry);
    let mut configurations = 0;
    for block in blocks("toml")
        .iter()
        .filter(|block| !block.starts_with(MANIFEST))
    {
        let config = Config::from_toml(block).unwrap_or_else(|errors| panic!("{errors}\n{block}"));
        for consumer in config.consumers.values() {
            // `print` is what the block of Rust before it defines.
            let is_known = registry.consumer_kinds().any(|kind| kind == consumer.kind);
            assert!(is_known || consumer.kind == "print", "{block}");
        }
        for producer in config.producers.values() {
            let is_known = registry.producer_kinds().any(|kind| kind == producer.kind);
            assert!(is_known, "{block}");
        }
        configurations += 1;
    }
    assert!(configurations >= 2);
}

#[test]
fn every_manifest_depends_on_packages_that_are_here() {
    let mut manifests = 0;
    for block in blocks("toml")
        .iter()
        .filter(|block| block.starts_with(MANIFEST))
    {
        let manifest: Table = block.parse().expect("TOML");
        for (name, dependency) in manifest["dependencies"].as_table().expect("a table") {
            let path = dependency["path"].as_str().expect("a path");
            let path = path
                .strip_prefix("../fedmsg")
                .expect("a path beside one's own");
            let manifest = repository()
                .join(path.trim_start_matches('/'))
                .join("Cargo.toml");
            let manifest: Table = std::fs::read_to_string(&manifest)
                .unwrap_or_else(|error| panic!("{}: {error}", manifest.display()))
                .parse()
                .expect("TOML");
            assert_eq!(manifest["package"]["name"].as_str(), Some(name.as_str()));
        }
        manifests += 1;
    }
    assert!(manifests >= 2);
}
