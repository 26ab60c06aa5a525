//! Look-ups in DNS.

use std::{io, net::SocketAddr, sync::OnceLock};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType},
    },
};
use multiaddr::Multiaddr;

use crate::{
    engine::{Fault, LookedUp},
    model::{Cause, Found},
    plan::{ADDRESS_LIMIT, Lookup, Record, Records},
};

/// Asks the system: its file `hosts` and then its resolver. Or the resolver that was named, and nothing else: an answer of the file
/// would be told as one of that resolver. Nothing is read before the first look-up.
#[derive(Debug, Default)]
pub struct Dns {
    server: Option<SocketAddr>,
    resolver: OnceLock<TokioResolver>,
}

impl Dns {
    /// A resolver that asks `server`, or the system's when none is named.
    #[must_use]
    pub fn new(server: Option<SocketAddr>) -> Self {
        Self { server, resolver: OnceLock::new() }
    }

    /// Looks a name up: its records, or the typed cause.
    pub async fn look_up(&self, lookup: &Lookup) -> LookedUp {
        let mut found = Found { resolver: self.server.map(|server| server.to_string()), ..Found::default() };
        let records = match self.ask(lookup).await {
            Ok((records, texts)) => {
                found.records = (!texts.is_empty()).then_some(texts);
                if records.is_empty() { Err(lookup.no_record().into()) } else { Ok(records) }
            }
            Err(error) => Err(fault(lookup, &error)),
        };
        LookedUp { records, found }
    }

    async fn ask(&self, lookup: &Lookup) -> Result<(Vec<Record>, Vec<String>), NetError> {
        let resolver = self.resolver()?;
        let name = lookup.absolute();
        let answer = match lookup.records {
            Records::V4 => resolver.lookup(name, RecordType::A).await?.answers().to_vec(),
            Records::V6 => resolver.lookup(name, RecordType::AAAA).await?.answers().to_vec(),
            Records::Dnsaddr => resolver.lookup(name, RecordType::TXT).await?.answers().to_vec(),
            Records::Any => {
                let both = futures::join!(resolver.lookup(name.clone(), RecordType::A), resolver.lookup(name, RecordType::AAAA));
                match both {
                    (Ok(v4), Ok(v6)) => [v4.answers(), v6.answers()].concat(),
                    (Ok(one), Err(_)) | (Err(_), Ok(one)) => one.answers().to_vec(),
                    // That one family has no record says nothing about the other, whose look-up failed.
                    (Err(v4), Err(v6)) => return Err(if is_no_record(&v4) { v6 } else { v4 }),
                }
            }
        };
        let mut records = Vec::new();
        let mut texts = Vec::new();
        for record in answer {
            let Some((record, text)) = read(&record.data) else { continue };
            // One more than the limit, so that the plan sees that there are more.
            if records.len() <= ADDRESS_LIMIT {
                records.push(record);
            }
            if texts.len() < Lookup::RECORDS_SHOWN {
                texts.push(text);
            }
        }
        Ok((records, texts))
    }

    fn resolver(&self) -> Result<&TokioResolver, NetError> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver);
        }
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut config.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![config]);
                let mut options = ResolverOpts::default();
                options.use_hosts_file = ResolveHosts::Never;
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options)
            }
        };
        // The engine bounds the whole; a lost packet is asked for again well within it.
        builder.options_mut().timeout = std::time::Duration::from_secs(3);
        builder.options_mut().attempts = 3;
        // Each name is asked for once in a run, and the answer has to be today's.
        builder.options_mut().cache_size = 0;
        let resolver = builder.build()?;
        Ok(self.resolver.get_or_init(|| resolver))
    }
}

/// A name in the form in which DNS, TLS and HTTP carry it (RFC 5890, section 2.3.2.1); as it is, where it has none.
pub(super) fn in_ascii(name: &str) -> String {
    let ascii = || Some(Name::from_utf8(name).ok()?.to_ascii());
    Some(name).filter(|name| name.is_ascii()).map(str::to_owned).or_else(ascii).unwrap_or_else(|| name.to_owned())
}

/// What a record says, and how to show it. Other types, such as the CNAME on the way, say nothing of use.
fn read(data: &RData) -> Option<(Record, String)> {
    match data {
        RData::A(ip) => Some((Record::Ip(ip.0.into()), ip.to_string())),
        RData::AAAA(ip) => Some((Record::Ip(ip.0.into()), ip.to_string())),
        RData::TXT(text) => {
            let bytes: Vec<u8> = text.txt_data.concat();
            let text = String::from_utf8(bytes).ok()?;
            let address: Multiaddr = text.strip_prefix("dnsaddr=")?.trim().parse().ok()?;
            Some((Record::Address(address), text.chars().take(Lookup::RECORD_LENGTH).collect()))
        }
        _ => None,
    }
}

/// Whether the name server answered that there is no such record.
fn is_no_record(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError)
}

fn fault(lookup: &Lookup, error: &NetError) -> Fault {
    let cause = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Cause::NameNotFound,
            ResponseCode::NoError => lookup.no_record(),
            code => Cause::NameLookupFailed { rcode: Some(rcode(code)) },
        },
        NetError::Dns(DnsError::ResponseCode(code)) => Cause::NameLookupFailed { rcode: Some(rcode(*code)) },
        NetError::Timeout => Cause::TimedOut,
        NetError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Cause::TimedOut,
        _ => Cause::NameLookupFailed { rcode: None },
    };
    match cause {
        // Only here do the library's words say more than the cause.
        Cause::NameLookupFailed { rcode: None } => Fault::new(cause, error),
        told => told.into(),
    }
}

/// The mnemonic of RFC 1035 and its successors, which the library spells as a sentence.
fn rcode(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_ascii_are_carried_in_it() {
        for (name, carried) in [
            ("node.example.org", "node.example.org"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}.example.", "xn--j2bd4cyah0f.example."),
            ("a\u{fffe}b", "a\u{fffe}b"),
        ] {
            assert_eq!(in_ascii(name), carried);
        }
    }
}
