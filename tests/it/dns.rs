//! A name server for the names of one scenario, over UDP and TCP on one port.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record, RecordType};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What an answer over UDP may hold when the query says nothing of its own.
const PLAIN_UDP: u16 = 512;

/// Names and their records: `A 127.0.0.1`, `AAAA ::1`, `TXT …`, `TXT*150 …` (150 of them, `{i}`
/// counts), `AAAA SERVFAIL`, or alone `SERVFAIL`, `REFUSED`, `SILENT`. A name that is
/// not listed does not exist; one without a record of the type asked for has an empty answer.
pub type Zone = BTreeMap<String, Vec<String>>;

/// Serves the zone on the current runtime and returns the port.
pub async fn start(zone: Zone) -> u16 {
    let (udp, tcp) = sockets().await;
    let port = udp.local_addr().expect("bound").port();
    let zone = Arc::new(zone);
    let for_tcp = Arc::clone(&zone);
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            let Ok(query) = Message::from_vec(&buffer[..length]) else {
                continue;
            };
            let limit = query.max_payload().max(PLAIN_UDP);
            let Some(mut answer) = answer(&zone, &query) else {
                continue;
            };
            let mut bytes = answer.to_vec().expect("an answer encodes");
            if bytes.len() > usize::from(limit) {
                answer.answers.clear();
                answer.metadata.truncation = true;
                bytes = answer.to_vec().expect("an answer encodes");
            }
            let _ = udp.send_to(&bytes, from).await;
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = tcp.accept().await {
            tokio::spawn(over_tcp(Arc::clone(&for_tcp), stream));
        }
    });
    port
}

async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let bound = tcp.local_addr().expect("bound");
        if let Ok(udp) = UdpSocket::bind(bound).await {
            return (udp, tcp);
        }
    }
}

async fn over_tcp(zone: Arc<Zone>, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await?;
        let Ok(query) = Message::from_vec(&bytes) else {
            return Ok(());
        };
        let Some(answer) = answer(&zone, &query) else {
            continue;
        };
        let bytes = answer.to_vec().expect("an answer encodes");
        stream.write_u16(u16::try_from(bytes.len()).expect("a zone of a scenario")).await?;
        stream.write_all(&bytes).await?;
    }
}

/// `None` where the server keeps silent.
fn answer(zone: &Zone, query: &Message) -> Option<Message> {
    let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
    answer.metadata.recursion_desired = query.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_queries(query.queries.iter().cloned());
    let question = query.queries.first()?;
    let name = question.name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let Some(records) = zone.get(&name) else {
        answer.metadata.response_code = ResponseCode::NXDomain;
        return Some(answer);
    };
    for record in records {
        let data = match record.split_once(' ') {
            None if record == "SILENT" => return None,
            None if record == "SERVFAIL" => {
                answer.metadata.response_code = ResponseCode::ServFail;
                continue;
            }
            None if record == "REFUSED" => {
                answer.metadata.response_code = ResponseCode::Refused;
                continue;
            }
            Some(("AAAA", "SERVFAIL")) => {
                if question.query_type == RecordType::AAAA {
                    answer.metadata.response_code = ResponseCode::ServFail;
                }
                continue;
            }
            Some(("A", ip)) => RData::A(ip.parse().expect("an IPv4 address")),
            Some(("AAAA", ip)) => RData::AAAA(ip.parse().expect("an IPv6 address")),
            Some(("TXT", text)) => RData::TXT(TXT::new(vec![text.into()])),
            Some(("TXT*150", text)) if question.query_type == RecordType::TXT => {
                let numbered = (1..=150).map(|i: u32| TXT::new(vec![text.replace("{i}", &i.to_string())]));
                answer.add_answers(numbered.map(|txt| Record::from_rdata(question.name.clone(), 60, RData::TXT(txt))));
                continue;
            }
            _ => panic!("not a record that the name server knows: {record}"),
        };
        if data.record_type() == question.query_type {
            answer.add_answer(Record::from_rdata(question.name.clone(), 60, data));
        }
    }
    Some(answer)
}
