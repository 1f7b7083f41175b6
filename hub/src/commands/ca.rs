//! `fedmsg-ca`: a small CA, to try signing without one.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use toml::Value;

use super::common::{complain, fail, load};
use crate::ca::{
    Authority, CA_CERTIFICATE, CA_KEY, CaError, Former, Foundation, KeySize, LEDGER, Order,
    REVOCATION_LIST, SignerName, Strong, date,
};
use crate::exit::Exit;

/// Before a list of revoked certificates expires, `issue` says so for this long: a month, in seconds.
const WARNING: i64 = 30 * 24 * 60 * 60;

/// Keep a small CA: issue and revoke certificates to sign messages with.
///
/// For those who have no CA and want to sign and validate. It is one directory of files, laid out as
/// every program on the bus expects its ssldir. What is printed by init and issue can be pasted into
/// a configuration as it is, above its first [table].
///
/// Whoever can read ca.key can sign as anybody: keep the directory on one machine, and give each of the
/// others ca.crt, crl.pem, and the NAME.crt and NAME.key of its own services. Once crl.pem has expired,
/// those who validate by it refuse every message: run `fedmsg-ca crl` in time, and copy the new one.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  fedmsg-ca init --dir pki           makes a CA: ca.crt, ca.key, crl.pem, index.toml
  fedmsg-ca issue app01 --dir pki    makes app01.crt and app01.key
  fedmsg-ca revoke app01 --dir pki   makes a new crl.pem, by which app01 is refused
  fedmsg-ca crl --dir pki            makes a new crl.pem, before the former one expires

Exit status:
  0   done
  2   bad command line
  65  the name is not allowed or has a certificate already, or there is no CA, or one already
  70  OpenSSL failed
  74  a file could not be read or written
  78  the configuration is wrong; it is read for its ssldir, and not at all with --dir"
)]
pub(crate) struct CaArgs {
    #[command(subcommand)]
    action: Action,

    /// The directory of the CA [ssldir]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Read this file, or the files of this directory, instead of the usual ones
    #[arg(
        long,
        alias = "config-filename",
        global = true,
        value_name = "FILE|DIR",
        help_heading = "Configuration"
    )]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Init(InitArgs),
    Issue(IssueArgs),
    Revoke(RevokeArgs),
    Crl(CrlArgs),
}

/// Make a CA, and the directory for it if there is none.
#[derive(Debug, Args)]
struct InitArgs {
    /// Length of its RSA key
    #[arg(long, value_enum, value_name = "BITS", default_value_t = KeySize::Bits2048)]
    bits: KeySize,

    /// How long it is valid: to replace it means to give everybody another ca.crt
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = days())]
    days: u32,

    /// How long each crl.pem is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = days())]
    crl_days: u32,
}

/// Issue a certificate to NAME, with a new key.
///
/// A name that has a valid certificate keeps it, unless there is --force.
#[derive(Debug, Args)]
struct IssueArgs {
    /// Who will sign, by custom service-host: letters, digits, '.', '-' and '_'; at most 64
    name: String,

    /// Length of its RSA key
    #[arg(long, value_enum, value_name = "BITS", default_value_t = KeySize::Bits2048)]
    bits: KeySize,

    /// How long it is valid, at most as long as the CA
    #[arg(long, value_name = "DAYS", default_value_t = 825, value_parser = days())]
    days: u32,

    /// Issue an Ed25519 certificate beside it, for strong signatures
    #[arg(long)]
    ed25519: bool,

    /// Replace the files of a certificate that is still valid, to renew it; the former one stays valid
    #[arg(long)]
    force: bool,
}

/// Revoke all certificates of NAME: makes a new crl.pem.
///
/// Messages of NAME are refused by all who have that crl.pem, those signed before included.
#[derive(Debug, Args)]
struct RevokeArgs {
    /// Whose certificates
    name: String,
}

/// Make a new crl.pem, before the former one expires.
#[derive(Debug, Args)]
struct CrlArgs {
    /// How long this one and those after it are valid; without it, as before
    #[arg(long, value_name = "DAYS", value_parser = days())]
    days: Option<u32>,
}

/// A number of days: at most a hundred years.
fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=36_500)
}

/// Runs the command.
pub(crate) fn run(args: CaArgs) -> Exit {
    match act(args) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn act(args: CaArgs) -> Result<(), Exit> {
    let directory = match args.dir {
        Some(directory) => directory,
        None => load(args.config)?.config.ssldir,
    };
    let now = Timestamp::now().as_second();
    let text = match args.action {
        Action::Init(args) => init(&directory, &args, now),
        Action::Issue(args) => issue(&directory, &args, now),
        Action::Revoke(args) => revoke(&directory, &args, now),
        Action::Crl(args) => renew_list(&directory, &args, now),
    }?;
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| fail(Exit::Io, format_args!("standard output: {error}")))
}

fn init(directory: &Path, args: &InitArgs, now: i64) -> Result<String, Exit> {
    let foundation = Foundation {
        key_size: args.bits,
        days: args.days,
        list_days: args.crl_days,
    };
    let authority = Authority::found(directory, &foundation, now).map_err(failed)?;
    let expires = authority.expires().map_err(failed)?;
    Ok(format!(
        "\
# Made a CA in {directory}, valid until {expires}:
#   {CA_CERTIFICATE}      its certificate, for all who validate
#   {CA_KEY}      its private key: who can read it can sign as anybody; keep it on this machine
#   {REVOCATION_LIST}     what it has revoked; expires on {list_expires}: run `fedmsg ca crl` before
#   {LEDGER}  what it has issued
#
# To believe only what is signed with its certificates, put this into a configuration:

validate_signatures = true
ca_cert_location = {ca}
crl_location = {list}
",
        directory = authority.directory().display(),
        expires = date(expires),
        list_expires = date(authority.list_expires()),
        ca = quoted(&authority.path_of(CA_CERTIFICATE)),
        list = quoted(&authority.path_of(REVOCATION_LIST)),
    ))
}

fn issue(directory: &Path, args: &IssueArgs, now: i64) -> Result<String, Exit> {
    let order = Order {
        name: name(&args.name)?,
        key_size: args.bits,
        days: args.days,
        strong: if args.ed25519 {
            Strong::Ed25519
        } else {
            Strong::None
        },
        former: if args.force {
            Former::Replace
        } else {
            Former::Keep
        },
    };
    let mut authority = Authority::open(directory, now).map_err(failed)?;
    let issued = authority.issue(&order).map_err(failed)?;
    if authority.list_expires() - now < WARNING {
        complain(format_args!(
            "{}: {} expires on {}, then every message is refused: run `fedmsg ca crl`",
            fedmsg::program_name(),
            authority.path_of(REVOCATION_LIST).display(),
            date(authority.list_expires())
        ));
    }
    let files = issued.files.iter();
    let files: String = files
        .map(|name| format!("#   {}\n", authority.path_of(name).display()))
        .collect();
    let strong = match order.strong {
        Strong::None => "",
        Strong::Ed25519 => "strong_signature = \"ed25519\"\n",
    };
    Ok(format!(
        "\
# Issued a certificate to {name}, valid until {expires}:
{files}#
# The key is readable by its owner only, who has to be the user that signs: see chown(1).
# To sign with it, put this into a configuration. In place of \"shell.{host}\", which is every script on
# this host that publishes through a relay, a publisher with an address of its own has its entry of
# `endpoints`, such as \"bodhi.{host}\".

sign_messages = true
ssldir = {ssldir}
{strong}
[certnames]
\"shell.{host}\" = \"{name}\"
",
        name = order.name,
        expires = date(issued.expires),
        host = fedmsg::host_name(),
        ssldir = quoted(authority.directory()),
    ))
}

fn revoke(directory: &Path, args: &RevokeArgs, now: i64) -> Result<String, Exit> {
    let name = name(&args.name)?;
    let mut authority = Authority::open(directory, now).map_err(failed)?;
    let revoked = authority.revoke(&name).map_err(failed)?;
    let mut text = String::new();
    for serial in &revoked {
        text.push_str(&format!("revoked {serial} of {name}\n"));
    }
    if revoked.is_empty() {
        text.push_str(&format!("all certificates of {name} were revoked before\n"));
    }
    text.push_str(&new_list(&authority));
    Ok(text)
}

fn renew_list(directory: &Path, args: &CrlArgs, now: i64) -> Result<String, Exit> {
    let mut authority = Authority::open(directory, now).map_err(failed)?;
    authority.renew_list(args.days).map_err(failed)?;
    Ok(new_list(&authority))
}

fn new_list(authority: &Authority) -> String {
    format!(
        "made {} with {} revoked, valid until {}: copy it to all who validate\n",
        authority.path_of(REVOCATION_LIST).display(),
        authority.revoked(),
        date(authority.list_expires()),
    )
}

fn name(text: &str) -> Result<SignerName, Exit> {
    // With quotes and escapes: nobody knows what is in it.
    text.parse()
        .map_err(|error| fail(Exit::Data, format_args!("name {text:?}: {error}")))
}

/// Shows a path as TOML has it.
fn quoted(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}

fn failed(error: CaError) -> Exit {
    let exit = match error {
        CaError::Folder(_) => Exit::Io,
        CaError::Openssl(_) | CaError::Ledger(_) => Exit::Software,
        _ => Exit::Data,
    };
    fail(exit, error)
}
