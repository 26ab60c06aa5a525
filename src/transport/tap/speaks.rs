//! Which protocol greets like this.

use strum::{Display, EnumIter, IntoStaticStr};

use super::printable;

/// The longest banner, in characters: a line of a report.
const BANNER_CHARACTERS: usize = 80;

/// A protocol that is known by its first bytes. `Display` gives the name that reports use.
#[derive(Clone, Copy, Debug, Display, EnumIter, Eq, Hash, IntoStaticStr, PartialEq)]
pub enum Speaks {
    /// RFC 4253, section 4.2.
    #[strum(serialize = "SSH")]
    Ssh,
    /// HTTP/1 in either direction, or bare HTML as HTTP/0.9 sends it.
    #[strum(serialize = "HTTP")]
    Http,
    /// A preface or a SETTINGS frame: RFC 9113, section 3.4.
    #[strum(serialize = "HTTP/2")]
    Http2,
    /// A record of RFC 8446, section 5.1.
    #[strum(serialize = "TLS")]
    Tls,
    /// The libp2p handshake without anything around it.
    #[strum(serialize = "multistream-select")]
    Multistream,
    /// RFC 5321, section 4.2.
    #[strum(serialize = "SMTP")]
    Smtp,
    /// RFC 959, section 5.4.
    #[strum(serialize = "FTP")]
    Ftp,
    /// RFC 1939, section 4.
    #[strum(serialize = "POP3")]
    Pop3,
    /// RFC 9051, section 7.1.
    #[strum(serialize = "IMAP")]
    Imap,
    /// A handshake packet of protocol 10, or the error sent instead of it.
    #[strum(serialize = "MySQL")]
    MySql,
    /// An `ErrorResponse`.
    #[strum(serialize = "PostgreSQL")]
    PostgreSql,
    /// An error of RESP.
    #[strum(serialize = "Redis")]
    Redis,
    /// RFC 7826.
    #[strum(serialize = "RTSP")]
    Rtsp,
    /// RFC 3261.
    #[strum(serialize = "SIP")]
    Sip,
    /// RFC 6143, section 7.1.1.
    #[strum(serialize = "VNC")]
    Vnc,
    /// X.224 in TPKT.
    #[strum(serialize = "RDP")]
    Rdp,
    /// Option negotiation: RFC 854.
    #[strum(serialize = "Telnet")]
    Telnet,
    /// A protocol header.
    #[strum(serialize = "AMQP")]
    Amqp,
    /// A stream header: RFC 6120.
    #[strum(serialize = "XMPP")]
    Xmpp,
    /// A server's `INFO`.
    #[strum(serialize = "NATS")]
    Nats,
    /// A peer handshake, as long as libp2p's.
    #[strum(serialize = "BitTorrent")]
    BitTorrent,
}

/// How the start of a stream is recognised.
enum Sign {
    /// Begins with exactly this.
    Prefix(&'static [u8]),
    /// Begins with this, in either case.
    AnyCase(&'static [u8]),
    /// The first line begins with one of the reply codes and contains the word, in either case.
    Reply(&'static [&'static [u8]], &'static [u8]),
    /// Whatever a function says.
    Is(fn(&[u8]) -> bool),
}

use Sign::{AnyCase, Is, Prefix, Reply};

/// The first sign that fits decides, so the narrower stands before the wider. No sign fits a part of itself: a stream
/// that has only begun is not guessed at.
const SIGNS: &[(Speaks, Sign)] = &[
    (Speaks::Multistream, Prefix(b"\x13/multistream/1.0.0\n")),
    (Speaks::Ssh, Prefix(b"SSH-")),
    (Speaks::Tls, Is(tls_record)),
    (Speaks::Http2, Prefix(b"PRI * HTTP/2.0\r\n")),
    (Speaks::Http2, Is(http2_settings)),
    (Speaks::Rtsp, Prefix(b"RTSP/1.")),
    (Speaks::Rtsp, Prefix(b"RTSP/2.")),
    (Speaks::Rtsp, Is(rtsp_request)),
    (Speaks::Sip, Prefix(b"SIP/2.0 ")),
    (Speaks::Http, Prefix(b"HTTP/")),
    (Speaks::Http, Prefix(b"GET ")),
    (Speaks::Http, Prefix(b"HEAD ")),
    (Speaks::Http, Prefix(b"POST ")),
    (Speaks::Http, Prefix(b"PUT ")),
    (Speaks::Http, Prefix(b"DELETE ")),
    (Speaks::Http, Prefix(b"PATCH ")),
    (Speaks::Http, Prefix(b"CONNECT ")),
    (Speaks::Http, Is(http_options)),
    (Speaks::Http, AnyCase(b"<!doctype html")),
    (Speaks::Http, AnyCase(b"<html")),
    (Speaks::Smtp, Reply(&[b"220", b"421", b"554"], b"SMTP")),
    (Speaks::Ftp, Reply(&[b"220", b"421", b"530"], b"FTP")),
    (Speaks::Pop3, Prefix(b"+OK ")),
    (Speaks::Imap, Prefix(b"* OK ")),
    (Speaks::Imap, Prefix(b"* PREAUTH ")),
    (Speaks::Imap, Prefix(b"* BYE ")),
    (Speaks::Redis, Prefix(b"-ERR ")),
    (Speaks::Redis, Prefix(b"-NOAUTH ")),
    (Speaks::Redis, Prefix(b"-DENIED ")),
    (Speaks::MySql, Is(mysql_packet)),
    (Speaks::PostgreSql, Is(postgresql_error)),
    (Speaks::Vnc, Prefix(b"RFB 00")),
    (Speaks::Rdp, Is(rdp_confirm)),
    (Speaks::Telnet, Is(telnet_option)),
    (Speaks::Amqp, Prefix(b"AMQP\0")),
    (Speaks::Amqp, Prefix(b"AMQP\x03")),
    (Speaks::Xmpp, Prefix(b"<?xml version='1.0'?><stream:stream")),
    (Speaks::Xmpp, Prefix(b"<stream:stream")),
    (Speaks::Nats, Prefix(b"INFO {")),
    (Speaks::BitTorrent, Prefix(b"\x13BitTorrent protocol")),
];

/// The protocol whose first bytes these are; `None` where they do not tell, or not yet.
pub fn speaks(first: &[u8]) -> Option<Speaks> {
    SIGNS.iter().find(|(_, sign)| sign.fits(first)).map(|(speaks, _)| *speaks)
}

/// The first line, at most 80 characters, with what a terminal would act upon escaped.
pub fn banner(first: &[u8]) -> String {
    printable(first_line(first), BANNER_CHARACTERS)
}

impl Sign {
    fn fits(&self, first: &[u8]) -> bool {
        match self {
            Prefix(prefix) => first.starts_with(prefix),
            AnyCase(prefix) => first.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            Reply(codes, word) => {
                let replied = codes.iter().any(|code| first.starts_with(code)) && matches!(first.get(3), Some(b' ' | b'-'));
                replied && first_line(first).windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
            }
            Is(fits) => fits(first),
        }
    }
}

fn first_line(first: &[u8]) -> &[u8] {
    first.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
}

/// Content type, version 3.0 to 3.4, and a length that RFC 5246 allows (2^14 + 2048).
fn tls_record(first: &[u8]) -> bool {
    let [0x14..=0x17, 0x03, 0x00..=0x04, high, low, ..] = *first else { return false };
    (1..=0x4800).contains(&u16::from_be_bytes([high, low]))
}

/// A SETTINGS frame without ACK on stream 0: whole settings of six bytes, and not absurdly many of them.
fn http2_settings(first: &[u8]) -> bool {
    let [0, high, low, 4, 0, 0, 0, 0, 0, ..] = *first else { return false };
    let length = u16::from_be_bytes([high, low]);
    length.is_multiple_of(6) && length <= 600
}

fn rtsp_request(first: &[u8]) -> bool {
    first_line(first).windows(6).any(|part| part == b" RTSP/") && first.first().is_some_and(u8::is_ascii_uppercase)
}

/// RTSP and SIP have the same method: only the end of the line tells.
fn http_options(first: &[u8]) -> bool {
    first.starts_with(b"OPTIONS ") && first_line(first).windows(6).any(|part| part == b" HTTP/")
}

/// Packet 0: protocol 10 with a version that begins with a digit, or an error packet with a server's error number.
fn mysql_packet(first: &[u8]) -> bool {
    match *first {
        [_, _, 0, 0, 10, digit, ..] => digit.is_ascii_digit() && first[5..].iter().take(64).any(|byte| *byte == 0),
        [_, _, 0, 0, 0xff, low, high, letter, ..] => {
            (1000..2100).contains(&u16::from_le_bytes([low, high])) && letter.is_ascii_graphic()
        }
        _ => false,
    }
}

/// Version 3 (`E`, length, `S`, severity) and the form before it (`E`, severity).
fn postgresql_error(first: &[u8]) -> bool {
    const SEVERITIES: [&[u8]; 2] = [b"FATAL", b"ERROR"];
    let named = |at: usize| first.get(at..).is_some_and(|rest| SEVERITIES.iter().any(|name| rest.starts_with(name)));
    first.first() == Some(&b'E') && (named(1) || (first.get(5) == Some(&b'S') && named(6)))
}

/// TPKT, then an X.224 connection confirm.
fn rdp_confirm(first: &[u8]) -> bool {
    matches!(first, [3, 0, 0, _, _, 0xd0, ..])
}

/// IAC and one of WILL, WONT, DO, DON'T, with its option.
fn telnet_option(first: &[u8]) -> bool {
    matches!(first, [0xff, 0xfb..=0xfe, option, ..] if *option < 0x80)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use strum::IntoEnumIterator;

    use super::*;

    /// What each protocol says first.
    const GREETINGS: &[(&[u8], Option<Speaks>)] = &[
        (b"SSH-2.0-OpenSSH_9.6p1 Debian-4\r\n", Some(Speaks::Ssh)),
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", Some(Speaks::Http)),
        (b"HTTP/1.0 404 Not Found\r\n", Some(Speaks::Http)),
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n", Some(Speaks::Http)),
        (b"OPTIONS * HTTP/1.1\r\n", Some(Speaks::Http)),
        (b"<html>\r\n<head><title>400", Some(Speaks::Http)),
        (b"<!DOCTYPE HTML PUBLIC", Some(Speaks::Http)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Speaks::Http2)),
        (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", Some(Speaks::Http2)),
        (b"\0\0\0\x04\0\0\0\0\0", Some(Speaks::Http2)),
        (b"\x15\x03\x01\0\x02\x02\x46", Some(Speaks::Tls)),
        (b"\x16\x03\x03\0\x7a\x02\0", Some(Speaks::Tls)),
        (b"\x13/multistream/1.0.0\n", Some(Speaks::Multistream)),
        (b"220 mail.example.org ESMTP Postfix\r\n", Some(Speaks::Smtp)),
        (b"220-host Exim smtp ready\r\n", Some(Speaks::Smtp)),
        (b"554 mail.example.org ESMTP not accepting\r\n", Some(Speaks::Smtp)),
        (b"220 (vsFTPd 3.0.3)\r\n", Some(Speaks::Ftp)),
        (b"220 ProFTPD Server\r\n", Some(Speaks::Ftp)),
        (b"+OK Dovecot ready.\r\n", Some(Speaks::Pop3)),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", Some(Speaks::Imap)),
        (b"J\0\0\0\x0a8.0.32\0\x0b\0\0\0", Some(Speaks::MySql)),
        (b"Y\0\0\0\x0a5.5.5-10.3.39-MariaDB\0", Some(Speaks::MySql)),
        (b"G\0\0\0\xffj\x04Host '192.0.2.1' is not allowed", Some(Speaks::MySql)),
        (b"E\0\0\0\x90SFATAL\0VFATAL\0", Some(Speaks::PostgreSql)),
        (b"EFATAL:  unsupported frontend protocol", Some(Speaks::PostgreSql)),
        (b"-ERR unknown command\r\n", Some(Speaks::Redis)),
        (b"-NOAUTH Authentication required.\r\n", Some(Speaks::Redis)),
        (b"-DENIED Redis is running in protected mode", Some(Speaks::Redis)),
        (b"RTSP/1.0 400 Bad Request\r\n", Some(Speaks::Rtsp)),
        (b"OPTIONS rtsp://example.org RTSP/1.0\r\n", Some(Speaks::Rtsp)),
        (b"SIP/2.0 400 Bad Request\r\n", Some(Speaks::Sip)),
        (b"RFB 003.008\n", Some(Speaks::Vnc)),
        (b"\x03\0\0\x13\x0e\xd0\0\0\x124\0", Some(Speaks::Rdp)),
        (b"\xff\xfd\x18\xff\xfd\x20", Some(Speaks::Telnet)),
        (b"AMQP\0\0\x09\x01", Some(Speaks::Amqp)),
        (b"<?xml version='1.0'?><stream:stream xmlns=", Some(Speaks::Xmpp)),
        (b"INFO {\"server_id\":\"N\"}", Some(Speaks::Nats)),
        (b"\x13BitTorrent protocol\0\0", Some(Speaks::BitTorrent)),
        (b"", None),
        (b"S", None),
        (b"SSH", None),
        (b"HTTP", None),
        (b"\x13/multistream/1.0", None),
        (b"\x13/multistream/2.0.0\n", None),
        (b"\x16\x03\x01", None),
        (b"\x16\x03\x03\xff\xff", None),
        (b"\x16\x02\x00\x00\x20", None),
        (b"\0\0\x05\x04\0\0\0\0\0", None),
        (b"220 ", None),
        (b"220 Welcome\r\n", None),
        (b"2200 SMTP\r\n", None),
        (b"220 Welcome\r\nSMTP is on the second line", None),
        (b"hello, world\r\n", None),
        (&[0x9c, 0x21, 0xfe, 0x07, 0x55, 0x10, 0x99, 0x42], None),
    ];

    #[test]
    fn greetings_are_named() {
        for (first, expected) in GREETINGS {
            assert_eq!(speaks(first), *expected, "{}", first.escape_ascii());
        }
    }

    #[test]
    fn every_protocol_has_a_greeting_and_a_name_of_its_own() {
        let greeted: HashSet<Speaks> = GREETINGS.iter().filter_map(|(_, speaks)| *speaks).collect();
        let names: HashSet<String> = Speaks::iter().map(|speaks| speaks.to_string()).collect();
        assert_eq!(greeted, Speaks::iter().collect());
        assert_eq!(names.len(), greeted.len());
    }

    #[test]
    fn a_part_of_a_greeting_is_never_taken_for_another_protocol() {
        for (first, expected) in GREETINGS {
            for end in 0..first.len() {
                let part = speaks(&first[..end]);
                assert!(part.is_none() || part == *expected, "{} is {part:?}", first[..end].escape_ascii());
            }
            assert_eq!(first.first().and_then(|byte| speaks(&[*byte])), None);
        }
    }

    #[test]
    fn a_banner_is_one_short_line() {
        assert_eq!(banner(b"SSH-2.0-x\r\nmore"), "SSH-2.0-x");
        assert_eq!(banner(b"\x1b]0;title\x07\nmore"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(banner(&[b'a'; 256]).len(), 80);
        assert_eq!(banner(b""), "");
    }
}
