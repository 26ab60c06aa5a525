//! What the arguments ask for, and what is refused.

use clap::CommandFactory as _;
use strum::IntoEnumIterator as _;

use super::*;
use crate::model::{self, Family, Options, Security, Transport};

fn dial(arguments: &str) -> Result<DialArgs, clap::Error> {
    let cli = Cli::try_parse_from(["p2p-probe", "dial"].into_iter().chain(arguments.split_whitespace()))?;
    match cli.command {
        Command::Dial(args) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_subcommand_has_examples() {
    for command in std::iter::once(&Cli::command()).chain(Cli::command().get_subcommands()) {
        let help = command.clone().render_long_help().to_string();
        let example =
            format!("Examples:\n  {}", if command.get_name() == "completions" { "source <(p2p-probe" } else { "p2p-probe" });
        assert!(help.contains(&example), "{}: {help}", command.get_name());
    }
}

#[test]
fn without_options_a_run_has_the_defaults() {
    assert_eq!(dial("/ip4/1.2.3.4/tcp/1").unwrap().options(), Options::default());
}

#[test]
fn options_become_what_the_run_is_asked() {
    let args =
        dial("/p --transport tcp,quic --family 6 --security tls --no-announced --private --timeout 1500ms --ping 0 --redact");
    let options = args.unwrap().options();
    assert_eq!(options.transports, Some(vec![Transport::Tcp, Transport::Quic]));
    assert_eq!((options.family, options.security), (Some(Family::Ipv6), Some(Security::Tls)));
    assert_eq!((options.announced, options.private, options.redacted, options.pings), (false, true, true, 0));
    assert_eq!(options.timeout_ms, model::Micros(1_500_000));
    assert_eq!(dial("/p --bind ::1").unwrap().options().family, Some(Family::Ipv6));
    assert_eq!(dial("/p --bind ::1 --family 6").unwrap().contradiction(), None);
    assert!(dial("/p --bind ::1 --family 4").unwrap().contradiction().is_some());
    assert_eq!(dial("/p --resolver 9.9.9.9").unwrap().resolver, Some("9.9.9.9:53".parse().unwrap()));
    assert_eq!(dial("/p --resolver [::1]:5353").unwrap().resolver, Some("[::1]:5353".parse().unwrap()));
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    for arguments in [
        "",
        "/p --self",
        "/p --transport tpc",
        "/p --ping 101",
        "/p --concurrency 0",
        "/p --timeout 0s",
        "/p --timeout 10",
        "/p --family 5",
        "/p --resolver name",
        "/p --resolver 9.9.9.9:0",
        "/p --security ssl",
        "/p --format xml",
        "/p --deadline 100d",
    ] {
        let error = dial(arguments).expect_err(arguments);
        assert_eq!(error.exit_code(), 2, "{arguments}");
    }
    // What begins like an option is a value all the same where one has to follow.
    for (arguments, said) in [
        ("/p --timeout -5s", "a time is not negative"),
        ("/p --deadline=-5s", "a time is not negative"),
        ("/p --ping-interval -1s", "a time is not negative"),
        ("/p --timeout --quiet", "a time has a unit"),
        ("/p --ping -1", "a number from 0 to 100"),
    ] {
        let error = dial(arguments).expect_err(arguments).to_string();
        assert!(error.contains(said) && !error.contains("tip:"), "{arguments}: {error}");
    }
    let error = dial("/p --transport tpc").unwrap_err().to_string();
    for transport in Transport::iter() {
        assert!(error.contains(<&str>::from(transport)), "{error}");
    }
}
