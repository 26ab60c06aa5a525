//! The messages.

use std::{fmt, net::SocketAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Ticket;
use crate::{
    model::{Outcome, Stage},
    transport::stun::Token,
};

/// What an asker wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// What the helper is and sees.
    Info,
    /// Raw datagrams to a UDP port of the asker.
    Datagrams {
        /// The port.
        port: u16,
        /// What they are to carry.
        token: TokenText,
        /// Who is to send them.
        by: By,
    },
    /// A dial of the asker.
    Dial {
        /// The address without its IP part.
        layers: String,
        /// The time it may take, in milliseconds; the helper may take less.
        within_ms: u32,
        /// Who is to dial.
        by: By,
    },
    /// What another helper was asked for, to be done for its asker.
    ForPartner {
        /// The request, signed by that helper.
        ticket: Ticket,
    },
}

/// Who does what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The helper that is asked.
    You,
    /// Its partner.
    Partner,
}

/// What a helper says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What the helper is and sees.
    Info {
        /// The asker's address, as the connection shows it.
        observed: SocketAddr,
        /// The partner's peer ID.
        partner: Option<String>,
        /// UDP ports of the helper that answer STUN binding requests.
        stun: Vec<u16>,
    },
    /// Datagrams are on their way.
    Sent {
        /// Who sends: a peer ID.
        vantage: String,
        /// Where they come from, as far as the sender knows.
        from: SocketAddr,
        /// How many there will be.
        count: u8,
    },
    /// A dial has ended.
    Dialed {
        /// Who dialed: a peer ID.
        vantage: String,
        /// Where it came from; none where it did not connect.
        from: Option<SocketAddr>,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// Its stages.
        stages: Vec<Stage>,
    },
    /// It is not done.
    Refused {
        /// Why.
        why: Refusal,
    },
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Refusal {
    /// The request cannot be read, or asks for what is no port or no address to dial.
    Malformed,
    /// More than 8 ports of the address in a minute.
    TooManyPorts,
    /// More requests for the address in a minute than are done.
    TooOften,
    /// More requests in all than are done, now or in a minute.
    Busy,
    /// The address is private and the helper listens on none of its kind.
    PrivateAddress,
    /// The address is one of the helper's own machine, where a proxy may stand between.
    OwnAddress,
    /// The helper has no partner.
    NoPartner,
    /// The partner could not be asked, or did not answer.
    PartnerSilent,
    /// The ticket is not signed by the partner, is too old, or was changed.
    BadTicket,
    /// The helper could not send: a fault of its own.
    LocalFault,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// A token as text: 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenText(pub(crate) Token);

impl fmt::Display for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<TokenText> for String {
    fn from(token: TokenText) -> Self {
        token.to_string()
    }
}

impl TryFrom<String> for TokenText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for TokenText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a token has 32 hex digits";
        let mut token = Token::default();
        if text.len() != 2 * token.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        for (byte, digits) in token.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_the_documentation_says() {
        let token: TokenText = "00112233445566778899aabbccddeeff".parse().unwrap();
        let request = Request::Datagrams { port: 4001, token, by: By::Partner };
        let json = r#"{"ask":"datagrams","port":4001,"token":"00112233445566778899aabbccddeeff","by":"partner"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<Request>(json).unwrap(), request);
        let refused = Answer::Refused { why: Refusal::TooManyPorts };
        assert_eq!(serde_json::to_string(&refused).unwrap(), r#"{"answer":"refused","why":"too-many-ports"}"#);
        let later: Answer = serde_json::from_str(r#"{"answer":"refused","why":"moon-phase"}"#).unwrap();
        assert_eq!(later, Answer::Refused { why: Refusal::Other });
    }

    #[test]
    fn tokens_of_another_form_are_refused() {
        for text in ["", "00", "zz112233445566778899aabbccddeeff", "+0112233445566778899aabbccddeef+", "éééééééééééééééé"]
        {
            assert!(text.parse::<TokenText>().is_err(), "{text}");
        }
    }
}
