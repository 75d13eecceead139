//! A connection's stream, with its stage and the time of the last bytes in either direction.
//!
//! # Theory of operation
//!
//! A client may close its sending side after its request and wait for the answer. A client that has gone for good looks
//! the same until something is sent to it. So while a complete request is worked on, the end of the stream is hidden
//! from hyper, and `100 Continue` is sent, which every client must ignore. If the client has gone, its kernel answers
//! with a reset. Only then is hyper told that the connection has ended.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How often a client whose sending side is closed is checked for a reset.
const LOOK: Duration = Duration::from_millis(20);
/// How long hyper may take to deliver the rest of a request after the client has closed its sending side.
const SETTLES_WITHIN: Duration = Duration::from_millis(200);
const PROBE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The stage of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The connection waits for a request's head, or sends an answer.
    Idle,
    /// A head has arrived.
    Receiving,
    /// A request has arrived completely.
    AtWork,
}

/// What the server knows of a connection.
#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    /// When bytes last moved in either direction, milliseconds after `opened`.
    last_ms: AtomicU64,
    stage: AtomicU8,
}

impl Activity {
    pub fn new() -> Arc<Activity> {
        let stage = AtomicU8::new(Phase::Idle as u8);
        Arc::new(Activity { opened: Instant::now(), last_ms: AtomicU64::new(0), stage })
    }

    fn note(&self) {
        self.last_ms.store(self.opened.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long no bytes have moved; `None` while a complete request is worked on.
    pub fn silent_for(&self) -> Option<Duration> {
        let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        (!self.is(Phase::AtWork)).then(|| self.opened.elapsed().saturating_sub(last))
    }

    /// A request's head has arrived. The request is answered when the guard is dropped.
    pub fn receive(self: &Arc<Activity>) -> Receiving {
        self.set(Phase::Receiving);
        Receiving(Arc::clone(self))
    }

    /// The request has arrived completely.
    pub fn work(&self) {
        self.set(Phase::AtWork);
    }

    fn is(&self, stage: Phase) -> bool {
        self.stage.load(Ordering::Relaxed) == stage as u8
    }

    fn set(&self, stage: Phase) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub struct Receiving(Arc<Activity>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.set(Phase::Idle);
        // The answer is still to be sent, which counts as activity.
        self.0.note();
    }
}

/// A stream that notes when bytes move.
#[derive(Debug)]
pub struct Noting {
    stream: TcpStream,
    activity: Arc<Activity>,
    ended: Option<ClientDone>,
}

/// The client sends no more.
#[derive(Debug)]
struct ClientDone {
    since: Instant,
    is_probed: bool,
    look: Pin<Box<Sleep>>,
}

impl Noting {
    pub fn new(stream: TcpStream, activity: Arc<Activity>) -> Noting {
        Noting { stream, activity, ended: None }
    }

    /// Ready when hyper may be told that the client's sending side is closed.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = self.ended.get_or_insert_with(|| ClientDone {
            since: Instant::now(),
            is_probed: false,
            look: Box::pin(sleep(LOOK)),
        });
        loop {
            if self.activity.is(Phase::AtWork) {
                if let Some(error) = self.stream.take_error()? {
                    return Poll::Ready(Err(error));
                }
                if !ended.is_probed {
                    // Nothing else is being written at this stage, so the two cannot mix.
                    ended.is_probed = true;
                    self.stream.try_write(PROBE)?;
                }
            } else if self.activity.is(Phase::Idle) || ended.since.elapsed() > SETTLES_WITHIN {
                return Poll::Ready(Ok(()));
            }
            ready!(ended.look.as_mut().poll(context));
            ended.look.set(sleep(LOOK));
        }
    }
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.note();
            return Poll::Ready(Ok(()));
        }
        self.poll_end(context)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.activity.note();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        self.activity.note();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
