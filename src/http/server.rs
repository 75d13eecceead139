//! The accept loop: connections in, bounded in number, drained at the end.

use std::{collections::HashMap, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request, http::Version};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{self, AbortHandle, JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    caller::Peer,
    connection::{Activity, Noting},
    router::router,
    service::Service,
};

/// Largest head of a request, bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// A client that takes nothing of its answer for this long is cut off.
const UNREAD_ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after a failed accept, for example when no descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the server looks for a connection to close while a client waits for room.
const ROOM_LOOK: Duration = Duration::from_millis(20);
/// A connection that has been silent for this long may be closed to make room for another.
const SILENT_ENOUGH: Duration = Duration::from_secs(1);

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Submissions that had not been answered when the drain timeout was over.
    pub cut_off: usize,
}

/// Serves until `shutdown` completes, then drains: new submissions get 503, those in flight may finish
/// within the drain timeout. The caller owns the port and the lifetime; dropping the future ends every
/// connection and with it every run.
pub async fn run(
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    service: Arc<Service>,
) -> Drained {
    let mut server = Server::new(listener, Arc::clone(&service));
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = server.turn() => {}
        }
    }
    let deadline = Instant::now() + service.config.drain_timeout;
    service.start_draining();
    let mut in_flight = service.in_flight.subscribe();
    tracing::info!(in_flight = *in_flight.borrow(), "stopping: no new submissions are taken");
    loop {
        tokio::select! {
            biased;
            Ok(_) = in_flight.wait_for(|count| *count == 0) => break,
            () = tokio::time::sleep_until(deadline) => break,
            // Still accepting: a client is told 503 rather than nothing.
            () = server.turn() => {}
        }
    }
    let cut_off = *in_flight.borrow();
    server.close(deadline).await;
    if cut_off > 0 {
        tracing::warn!(cut_off, "stopped: the drain timeout was over before all were answered");
    }
    Drained { cut_off }
}

struct Server {
    listener: TcpListener,
    /// A connection that was accepted and waits for room.
    waiting: Option<(TcpStream, Peer)>,
    /// Activity of every connection, by its task.
    activities: HashMap<task::Id, (AbortHandle, Arc<Activity>)>,
    router: Router,
    header_timeout: Duration,
    room: Arc<Semaphore>,
    connections: JoinSet<()>,
    close: watch::Sender<bool>,
}

impl Server {
    fn new(listener: TcpListener, service: Arc<Service>) -> Server {
        Server {
            listener,
            waiting: None,
            activities: HashMap::new(),
            header_timeout: service.config.header_timeout,
            room: Arc::new(Semaphore::new(service.config.max_connections.min(Semaphore::MAX_PERMITS))),
            router: router(service),
            connections: JoinSet::new(),
            close: watch::Sender::new(false),
        }
    }

    /// Waits for one event: a new connection, room for the one that waits, or the end of one. Safe to cancel.
    async fn turn(&mut self) {
        let is_waiting = self.waiting.is_some();
        tokio::select! {
            accepted = self.listener.accept(), if !is_waiting => match accepted {
                Ok((stream, peer)) => {
                    self.waiting = Some((stream, Peer(peer.ip())));
                    if self.room.available_permits() == 0 {
                        self.make_room();
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            room = Arc::clone(&self.room).acquire_owned(), if is_waiting => {
                if let Some((stream, peer)) = self.waiting.take() {
                    self.start(stream, peer, room.expect("the semaphore is never closed"));
                }
            },
            () = tokio::time::sleep(ROOM_LOOK), if is_waiting => self.make_room(),
            Some(ended) = self.connections.join_next_with_id() => self.note_end(ended),
        }
    }

    fn start(&mut self, stream: TcpStream, peer: Peer, room: OwnedSemaphorePermit) {
        if let Err(error) = set_up(&stream) {
            tracing::warn!(peer = %peer.0, %error, "a connection could not be set up as wanted");
        }
        let activity = Activity::new();
        let router = TowerToHyperService::new(self.router.clone());
        let stream = Noting::new(stream, Arc::clone(&activity));
        let of_stream = (peer, Arc::clone(&activity));
        let closing = self.close.subscribe();
        let serving = serve(stream, of_stream, router, self.header_timeout, closing, room);
        let task = self.connections.spawn(serving);
        self.activities.insert(task.id(), (task, activity));
    }

    /// Closes the connection that has been silent longest, if that is long enough. A client that sends no request must
    /// not keep out those that do.
    fn make_room(&mut self) {
        let silent =
            self.activities.values().filter_map(|(task, activity)| Some((activity.silent_for()?, task)));
        if let Some((silence, task)) = silent.max_by_key(|(silence, _)| *silence)
            && silence >= SILENT_ENOUGH
        {
            tracing::debug!("a silent connection is closed to make room");
            task.abort();
        }
    }

    fn note_end(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                note_failure(&error);
                error.id()
            }
        };
        self.activities.remove(&id);
    }

    /// Stops listening and closes every connection. One whose answer is being sent is closed after the answer, or at
    /// `deadline`; the others are closed at once.
    async fn close(mut self, deadline: Instant) {
        drop(self.listener);
        self.close.send_replace(true);
        let all = async {
            while let Some(ended) = self.connections.join_next().await {
                if let Err(error) = ended {
                    note_failure(&error);
                }
            }
        };
        if timeout_at(deadline, all).await.is_err() {
            // Dropping what a connection runs ends its submission.
            self.connections.shutdown().await;
        }
    }
}

fn note_failure(error: &JoinError) {
    if !error.is_cancelled() {
        tracing::error!(%error, "serving a connection panicked");
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A client that lost its power never closes the connection. Without probes its run would go on.
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &30)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &10)?;
    let unread_ms = u32::try_from(UNREAD_ANSWER_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
    setsockopt(stream, sockopt::TcpUserTimeout, &unread_ms)?;
    Ok(())
}

/// Completes when the server closes. A closed channel means that the server is gone.
async fn told_to_close(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

async fn serve(
    stream: Noting,
    (peer, activity): (Peer, Arc<Activity>),
    router: TowerToHyperService<Router>,
    header_timeout: Duration,
    mut closing: watch::Receiver<bool>,
    _room: OwnedSemaphorePermit,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        // HTTP/1.0 has no `100 Continue`, by which the server checks whether a client is still there.
        let receiving = (request.version() != Version::HTTP_10).then(|| {
            request.extensions_mut().insert(Arc::clone(&activity));
            activity.receive()
        });
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(receiving);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_close(&mut closing) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Nearly always caused by the client: it went away, was too slow, or did not speak HTTP.
        tracing::debug!(%error, "a connection ended early");
    }
}
