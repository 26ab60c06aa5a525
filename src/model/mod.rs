//! The vocabulary: what a run is about, what happens, what is known, what it comes to. No I/O and no clock.

mod attempt;
pub mod bounds;
mod cause;
mod code;
mod event;
mod exit;
mod fold;
mod nat;
mod options;
mod outcome;
mod peer;
mod place;
mod report;
mod scope;
mod stage;
mod target;
mod time;
mod transport;
mod verdict;
mod why;

pub use attempt::{Attempt, Direction, Source};
pub use cause::Cause;
pub use code::Page;
pub(crate) use code::codes;
pub use event::{Event, Fact, Family, NameResolved};
pub use exit::{Exit, exit};
pub use nat::{
    Behaviour, FamilyNat, Filtering, FilteringSeen, Gateway, HolePunch, Inbound, InboundBy, InboundSeen, Layer4, Local,
    LocalAddress, Mapping, MappingSeen, Method, Nat, Nat64, NatFound, NatStatus, PortMapping, Prediction, Relay, Remedy,
    RemedyCode, Tested, UDP_RECEIVE_BUFFER, Usable, VantageKind, VantageSeen,
};
pub use options::{CONCURRENCY, DEADLINE, Options, PINGS, Security, TIMEOUT, WebrtcVersions};
pub use outcome::Outcome;
pub use peer::{Announced, Peer};
pub use place::{ip_of, socket_of};
pub use report::{Listener, Report, RuntimeKind, SCHEMA, Tool, TransportStatus, Transports};
pub use scope::{Scope, is_local_name};
pub use stage::{Allowed, Answered, Certificate, Found, Leg, Stage, StageName};
pub use target::{Target, TargetKind};
pub use time::{Micros, Stamp};
pub use transport::Transport;
pub use verdict::{Advice, Hint, HintCode, Verdict, VerdictCode, Warning, WarningCode};
pub use why::{Why, WhyCode};
