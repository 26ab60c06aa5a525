//! The interface that `js/contract.js` writes down, as its own crate uses it: the unmodified `ExtTransport` of
//! libp2p-wasm-ext 0.40 with the libp2p of its time. It knows nothing of p2p-probe.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, future::try_join};
use js_sys::Function;
use libp2p::{
    PeerId, Transport,
    core::upgrade::Version,
    identity::Keypair,
    noise, ping,
    swarm::{Config, Swarm, SwarmEvent, dial_opts::DialOpts},
    yamux,
};
use libp2p_wasm_ext::{ExtTransport, ffi};
use wasm_bindgen::{JsCast, JsError, JsValue, prelude::wasm_bindgen};

/// Between two pings: enough of them in a test's time.
const PING_INTERVAL: Duration = Duration::from_millis(20);

/// Longer than any test: the pings do not keep a connection.
const IDLE: Duration = Duration::from_secs(600);

/// The `websocket_transport()` that the crate brings: another host of the same interface.
#[wasm_bindgen]
pub fn upstream_websockets() -> JsValue {
    ffi::websocket_transport().into()
}

/// Dials, waits for so many pings to be answered, and hangs up. Gives the peer ID of the other side.
#[wasm_bindgen]
pub async fn dial(transport: JsValue, address: String, pings: u32) -> Result<String, JsError> {
    let mut swarm = swarm(transport)?;
    swarm.dial(DialOpts::unknown_peer_id().address(address.parse()?).build())?;
    let mut answered = 0;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(ping::Event { peer, result, .. }) => {
                result?;
                answered += 1;
                if answered == pings {
                    // It is gone already where this fails.
                    let _ = swarm.disconnect_peer_id(peer);
                }
            }
            SwarmEvent::ConnectionClosed { peer_id, .. } if answered >= pings => return Ok(peer_id.to_string()),
            SwarmEvent::ConnectionClosed { cause, .. } => return Err(JsError::new(&format!("closed: {cause:?}"))),
            SwarmEvent::OutgoingConnectionError { error, .. } => return Err(JsError::new(&format!("{error:?}"))),
            _ => {}
        }
    }
}

/// Listens until the listener is closed. `told` hears `(what, detail)`: `address`, `expired`, `connected`, `pinged` (our own
/// ping was answered), `disconnected`.
#[wasm_bindgen]
pub async fn listen(transport: JsValue, address: String, told: Function) -> Result<(), JsError> {
    let mut swarm = swarm(transport)?;
    swarm.listen_on(address.parse()?)?;
    let peer = *swarm.local_peer_id();
    let tell = |what: &str, detail: String| told.call2(&JsValue::NULL, &what.into(), &detail.into()).map(drop).map_err(thrown);
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => tell("address", format!("{address}/p2p/{peer}"))?,
            SwarmEvent::ExpiredListenAddr { address, .. } => tell("expired", address.to_string())?,
            SwarmEvent::ConnectionEstablished { peer_id, .. } => tell("connected", peer_id.to_string())?,
            SwarmEvent::ConnectionClosed { peer_id, .. } => tell("disconnected", peer_id.to_string())?,
            SwarmEvent::Behaviour(ping::Event { peer, result: Ok(_), .. }) => tell("pinged", peer.to_string())?,
            SwarmEvent::ListenerClosed { reason, .. } => return reason.map_err(JsError::from),
            _ => {}
        }
    }
}

/// Sends so many bytes over a bare connection to a server that sends them back, ends its side, and reads to the end. Gives how
/// many came back; they are compared.
#[wasm_bindgen]
pub async fn echo(transport: JsValue, address: String, bytes: usize) -> Result<usize, JsError> {
    let mut transport = ExtTransport::new(transport.unchecked_into());
    let connection = transport.dial(address.parse()?)?.await?;
    let (mut reader, mut writer) = connection.split();
    let pattern: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
    let write = async {
        writer.write_all(&pattern).await?;
        writer.close().await
    };
    let mut back = Vec::new();
    try_join(write, reader.read_to_end(&mut back)).await?;
    if back != pattern {
        return Err(JsError::new(&format!("{} bytes came back, and not those", back.len())));
    }
    Ok(back.len())
}

/// Reads until the connection ends: `end`, or the words of the error.
#[wasm_bindgen]
pub async fn read_to_end(transport: JsValue, address: String) -> Result<String, JsError> {
    let mut transport = ExtTransport::new(transport.unchecked_into());
    let mut connection = transport.dial(address.parse()?)?.await?;
    let ended = connection.read_to_end(&mut Vec::new()).await;
    Ok(ended.map_or_else(|error| error.to_string(), |_| "end".to_owned()))
}

fn swarm(transport: JsValue) -> Result<Swarm<ping::Behaviour>, JsError> {
    let keypair = Keypair::generate_ed25519();
    let transport = ExtTransport::new(transport.unchecked_into())
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(&keypair)?)
        .multiplex(yamux::Config::default())
        .boxed();
    let pings = ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL));
    let config = Config::with_wasm_executor().with_idle_connection_timeout(IDLE);
    Ok(Swarm::new(transport, pings, PeerId::from(keypair.public()), config))
}

fn thrown(error: JsValue) -> JsError {
    JsError::new(&format!("{error:?}"))
}
