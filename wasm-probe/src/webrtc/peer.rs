//! An `RTCPeerConnection` to one server.

use std::{cell::Cell, future::poll_fn, net::SocketAddr, rc::Rc, task::Poll};

use p2p_probe::{
    engine::Fault,
    model::Cause,
    transport::webrtc_direct::{
        Fingerprint, Version, random,
        sdp::{self, Answer},
    },
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    RtcDataChannelEvent, RtcDataChannelInit, RtcIceConnectionState, RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit,
};

use super::{channel::Channel, events::On, shared::Shared, stats::Stats};
use crate::{error::words, platform::get};

/// The channel of the Noise handshake, which both sides take for open (libp2p specs, webrtc/webrtc-direct.md).
const HANDSHAKE: u16 = 0;

/// What a browser throws that refuses to have its ICE credentials changed.
const REFUSED: &str = "InvalidModificationError";

/// A connection, closed when it is dropped.
pub(super) struct Peer {
    connection: RtcPeerConnection,
    /// What its channels tell.
    pub(super) shared: Rc<Shared>,
    /// The channel of the Noise handshake. It stays for as long as the connection.
    pub(super) handshake: Rc<Channel>,
    /// The DTLS transport and the SCTP one, undefined where the platform hides them.
    dtls: JsValue,
    sctp: JsValue,
    /// The certificate of ours.
    pub(super) certificate: Option<Fingerprint>,
    /// What it was dialed in.
    pub(super) version: Version,
    reached: Rc<Reached>,
    listeners: Vec<On>,
}

/// What has been reached. It is noted while the event is told: a state that lasts for a moment is over before anybody asks for it,
/// and what came after it would be taken for the next step before it.
#[derive(Default)]
struct Reached {
    ice: Cell<bool>,
    dtls: Cell<bool>,
}

impl Reached {
    /// Notes `step` when `state` is there.
    fn note(step: &Cell<bool>, state: State) {
        step.set(step.get() || state == State::Done);
    }
}

/// How far a connection is, as the platform tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// On its way.
    Pending,
    /// There.
    Done,
    /// It failed, or has ended.
    Over,
    /// The platform does not show it.
    Hidden,
}

impl Peer {
    /// Makes a connection and sets both descriptions: from here on the browser dials.
    pub(super) async fn dial(remote: SocketAddr, version: Version, fingerprint: &Fingerprint) -> Result<Self, Fault> {
        let mut peer = Self::new(version)?;
        let offer = text(&JsFuture::from(peer.connection.create_offer()).await.map_err(|error| ours(&error))?);
        let (wanted, ufrag) = match version {
            Version::V1 => {
                let ufrag = version.server_ufrag(&random());
                (sdp::with_credentials(&offer, &ufrag), Some(ufrag))
            }
            Version::V2 => (offer, None),
        };
        let local = description(RtcSdpType::Offer, &wanted);
        JsFuture::from(peer.connection.set_local_description(&local)).await.map_err(|error| refused(&error, version))?;
        // As it was set: some browsers change what they were given.
        let offer = peer.connection.local_description().map_or(wanted, |local| local.sdp());
        let ufrag = ufrag.or_else(|| sdp::password(&offer).map(|password| version.server_ufrag(password)));
        let ufrag = ufrag.ok_or_else(|| local_fault("the browser's offer has no ICE password"))?;
        peer.certificate = sdp::fingerprint(&offer);
        let answer = Answer { remote, ufrag: &ufrag, fingerprint, offer: &offer }.to_string();
        let remote = description(RtcSdpType::Answer, &answer);
        JsFuture::from(peer.connection.set_remote_description(&remote)).await.map_err(|error| ours(&error))?;
        peer.watch_below();
        Ok(peer)
    }

    fn new(version: Version) -> Result<Self, Fault> {
        let connection = RtcPeerConnection::new().map_err(|error| ours(&error))?;
        let shared = Rc::<Shared>::default();
        let options = RtcDataChannelInit::new();
        options.set_negotiated(true);
        options.set_id(HANDSHAKE);
        let channel = connection.create_data_channel_with_data_channel_dict("", &options);
        let handshake = Channel::new(channel, Rc::clone(&shared));
        let reached = Rc::<Reached>::default();
        let (noted, watched) = (Rc::clone(&reached), connection.clone());
        let opened = Rc::clone(&shared);
        let listeners = vec![
            Self::waking(&connection, "iceconnectionstatechange", &shared, move || Reached::note(&noted.ice, ice_of(&watched))),
            Self::waking(&connection, "connectionstatechange", &shared, || ()),
            On::new(&connection, "datachannel", move |event| {
                opened.opened(event.unchecked_into::<RtcDataChannelEvent>().channel());
            }),
        ];
        let (dtls, sctp) = (JsValue::UNDEFINED, JsValue::UNDEFINED);
        Ok(Self { connection, shared, handshake, dtls, sctp, certificate: None, version, reached, listeners })
    }

    /// Once the descriptions are set, what is below can be watched.
    fn watch_below(&mut self) {
        self.sctp = get(&self.connection, "sctp");
        self.dtls = get(&self.sctp, "transport");
        if self.sctp.is_object() {
            self.listeners.push(Self::waking(&self.sctp, "statechange", &self.shared, || ()));
        }
        if self.dtls.is_object() {
            let (reached, dtls) = (Rc::clone(&self.reached), self.dtls.clone());
            let note = move || Reached::note(&reached.dtls, dtls_of(&dtls));
            self.listeners.push(Self::waking(&self.dtls, "statechange", &self.shared, note));
        }
    }

    fn waking(target: &JsValue, name: &'static str, shared: &Rc<Shared>, note: impl Fn() + 'static) -> On {
        let shared = Rc::clone(shared);
        On::new(target, name, move |_| {
            note();
            shared.wake();
        })
    }

    /// Whether an address has answered.
    pub(super) fn ice(&self) -> State {
        // One browser goes from here to failed only later, and says so of the whole at once.
        self.step(&self.reached.ice, ice_of(&self.connection))
    }

    /// Whether DTLS stands, or stood.
    pub(super) fn dtls(&self) -> State {
        self.step(&self.reached.dtls, dtls_of(&self.dtls))
    }

    /// A step that was reached stays reached; one that is on its way ends with the connection.
    fn step(&self, reached: &Cell<bool>, state: State) -> State {
        match state {
            _ if reached.get() => State::Done,
            State::Pending if self.state() == State::Over => State::Over,
            state => state,
        }
    }

    /// Whether the channel of the handshake is open.
    pub(super) fn channel(&self) -> State {
        match self.handshake.is_open() {
            _ if self.handshake.has_opened() => State::Done,
            Ok(true) => State::Done,
            Ok(false) if self.ended().is_none() => State::Pending,
            _ => State::Over,
        }
    }

    /// The connection as a whole.
    fn state(&self) -> State {
        match get(&self.connection, "connectionState").as_string().as_deref() {
            Some("connected") => State::Done,
            Some("failed" | "closed") => State::Over,
            Some(_) => State::Pending,
            None => State::Hidden,
        }
    }

    /// Why the connection has ended, as far as the platform tells; none while it lives.
    pub(super) fn ended(&self) -> Option<Fault> {
        if get(&self.dtls, "state").as_string().is_some_and(|state| state == "closed")
            || get(&self.sctp, "state").as_string().is_some_and(|state| state == "closed")
        {
            return Some(Fault::from(Cause::Closed));
        }
        // Checks stay unanswered.
        (self.state() == State::Over || ice_of(&self.connection) == State::Over).then(|| Fault::from(Cause::TimedOut))
    }

    /// Waits until `look` no longer says that it is pending.
    pub(super) async fn until(&self, look: impl Fn(&Self) -> State) -> State {
        poll_fn(|cx| {
            self.shared.register(cx);
            match look(self) {
                State::Pending => Poll::Pending,
                state => Poll::Ready(state),
            }
        })
        .await
    }

    /// What the platform measured.
    pub(super) async fn stats(&self) -> Stats {
        let report = JsFuture::from(self.connection.get_stats()).await;
        report.map(|report| Stats::read(&report)).unwrap_or_default()
    }

    /// Gives the connection up.
    pub(super) fn close(&self) {
        self.shared.forget();
        self.connection.close();
    }

    /// Opens a channel.
    pub(super) fn open(&self) -> Rc<Channel> {
        Channel::new(self.connection.create_data_channel(""), Rc::clone(&self.shared))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.close();
    }
}

fn ice_of(connection: &RtcPeerConnection) -> State {
    match connection.ice_connection_state() {
        RtcIceConnectionState::Connected | RtcIceConnectionState::Completed => State::Done,
        RtcIceConnectionState::Failed | RtcIceConnectionState::Closed => State::Over,
        _ => State::Pending,
    }
}

fn dtls_of(dtls: &JsValue) -> State {
    match get(dtls, "state").as_string().as_deref() {
        Some("connected") => State::Done,
        Some("failed" | "closed") => State::Over,
        Some(_) => State::Pending,
        None => State::Hidden,
    }
}

fn description(kind: RtcSdpType, text: &str) -> RtcSessionDescriptionInit {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(text);
    description
}

fn text(description: &JsValue) -> String {
    get(description, "sdp").as_string().unwrap_or_default()
}

fn refused(error: &JsValue, version: Version) -> Fault {
    let refused = get(error, "name").as_string().is_some_and(|name| name == REFUSED);
    match version {
        Version::V1 if refused => Fault::new(Cause::IceCredentialsRefused, &words(error)),
        _ => ours(error),
    }
}

/// A browser that does not do its part.
fn ours(error: &JsValue) -> Fault {
    local_fault(&words(error))
}

fn local_fault(words: &str) -> Fault {
    Fault::new(Cause::LocalFault { errno: None }, words)
}
