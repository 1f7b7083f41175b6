//! The imports of a program: which names stand for modules, and which modules may be missing.
//!
//! A part of [`Module`]; [`super::statement`] comes here at `import` and `from`.

use super::operation::attribute;
use super::statement::Module;
use super::token::Token;
use super::value::Value;

/// Modules that every Python has, so that importing them cannot fail.
const STANDARD: [&str; 17] = [
    "__future__",
    "collections",
    "copy",
    "datetime",
    "getpass",
    "glob",
    "json",
    "logging",
    "math",
    "os",
    "platform",
    "random",
    "re",
    "socket",
    "string",
    "sys",
    "time",
];

impl Module<'_> {
    pub(super) fn import(&mut self) {
        self.reader.advance();
        loop {
            let Some(path) = self.dotted_name() else {
                return self.skip_line();
            };
            let first = path.split('.').next().unwrap_or_default().to_owned();
            self.note_missing(&first);
            match self.alias() {
                Some(alias) => self.assign(alias, Value::Named(path)),
                None => self.assign(first.clone(), Value::Named(first)),
            }
            if !self.reader.take(",") {
                return;
            }
        }
    }

    pub(super) fn import_from(&mut self) {
        let line = self.reader.line();
        self.reader.advance();
        while self.reader.take(".") || self.reader.take("...") {}
        let module = self.dotted_name().unwrap_or_default();
        self.note_missing(module.split('.').next().unwrap_or_default());
        if !self.reader.is_name("import") {
            return self.skip_line();
        }
        self.reader.advance();
        if self.reader.is_sign("*") {
            self.tell(line, format!("names from {module}: they are not known"));
            return self.skip_line();
        }
        let _ = self.reader.take("(");
        while let Token::Name(name) = self.reader.token() {
            self.reader.advance();
            let alias = self.alias().unwrap_or_else(|| name.clone());
            self.assign(alias, attribute(&module, name));
            let _ = self.reader.take(",");
        }
        let _ = self.reader.take(")");
    }

    fn note_missing(&mut self, module: &str) {
        if !STANDARD.contains(&module) {
            self.missing.get_or_insert_with(|| module.to_owned());
        }
    }

    fn dotted_name(&mut self) -> Option<String> {
        let mut path = String::new();
        while let Token::Name(name) = self.reader.token() {
            if name == "import" {
                break;
            }
            path.push_str(name);
            self.reader.advance();
            if !self.reader.is_sign(".") {
                break;
            }
            self.reader.advance();
            path.push('.');
        }
        (!path.is_empty()).then_some(path)
    }

    fn alias(&mut self) -> Option<String> {
        if !self.reader.is_name("as") {
            return None;
        }
        self.reader.advance();
        let Token::Name(alias) = self.reader.token() else {
            return None;
        };
        self.reader.advance();
        Some(alias.clone())
    }
}
