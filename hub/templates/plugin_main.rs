//! A hub that knows the {{what}} `{{name}}`, beside all built-in kinds.

use std::process::ExitCode;

use fedmsg_hub::Hub;

use {{module}}::{{type}}{{What}};

fn main() -> ExitCode {
    Hub::command().{{what}}::<{{type}}{{What}}>().run()
}

#[cfg(test)]
mod tests {
    use fedmsg_hub::Config;

    use super::*;

    #[test]
    fn the_configuration_is_one_that_this_hub_takes() {
        let config = Config::from_toml(include_str!("../fedmsg.toml")).expect("a configuration");
        let hub = Hub::builder(config).{{what}}::<{{type}}{{What}}>();
        assert!(hub.check().is_empty());
    }
}
