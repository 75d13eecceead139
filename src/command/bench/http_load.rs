//! The service on loopback and the clients that load it.
//!
//! Clients live on a thread with a runtime of its own, so that their CPU time can be told from the
//! service's. They speak plain HTTP/1.1 over kept connections and judge nothing while the clock runs.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet, LocalSet},
};

use super::clock;
use crate::{
    config::ServeConfig,
    http::{self, Drained, Service},
    verify::Engine,
};

/// A service on a port of the kernel's choice, until dropped.
pub struct Served {
    pub address: SocketAddr,
    _stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
}

impl Served {
    pub async fn start(engine: Arc<Engine>) -> anyhow::Result<Served> {
        let config = ServeConfig::for_testing();
        let listener = TcpListener::bind(config.listen).await.context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(http::run(listener, shutdown, Arc::new(Service::new(engine, config))));
        Ok(Served { address, _stop: stop, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole `POST /v1/verify` with this body.
pub fn request(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer of the service's.
#[derive(Debug)]
pub struct Response {
    /// Number of the request that is answered.
    pub request: usize,
    pub status: u16,
    pub body: Vec<u8>,
    pub latency: Duration,
}

/// The result of a load.
#[derive(Debug)]
pub struct Load {
    pub answers: Vec<Response>,
    pub wall: Duration,
    /// CPU time that the clients used.
    pub client_cpu: Duration,
}

/// Sends every request once, `concurrency` in flight. Each client sends its next request when it has its answer.
pub async fn closed_loop(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    concurrency: usize,
) -> anyhow::Result<Load> {
    on_client_thread(move || async move {
        let mut clients = Vec::new();
        for _ in 0..concurrency.min(requests.len()) {
            clients.push(Client::connect(address).await?);
        }
        let next = Rc::new(Cell::new(0));
        let (cpu, began) = (clock::thread()?, Instant::now());
        let mut tasks = JoinSet::new();
        for mut client in clients {
            let (requests, next) = (Arc::clone(&requests), Rc::clone(&next));
            tasks.spawn_local(async move {
                let mut answers = Vec::new();
                while next.get() < requests.len() {
                    let request = next.replace(next.get() + 1);
                    let sent = Instant::now();
                    let (status, body) = client.ask(&requests[request]).await?;
                    answers.push(Response { request, status, body, latency: sent.elapsed() });
                }
                anyhow::Ok(answers)
            });
        }
        let answers = gather(tasks).await?.into_iter().flatten().collect();
        Ok(Load { answers, wall: began.elapsed(), client_cpu: clock::thread()?.saturating_sub(cpu) })
    })
    .await
}

/// Sends `request` at each of the moments, whether earlier requests have been answered or not. Latency counts from that
/// moment, so that every cause of waiting is included.
pub async fn open_loop(
    address: SocketAddr,
    request: Vec<u8>,
    moments: Vec<Duration>,
) -> anyhow::Result<Load> {
    on_client_thread(move || async move {
        let request = Rc::new(request);
        let idle: Rc<RefCell<Vec<Client>>> = Rc::default();
        let (cpu, began) = (clock::thread()?, Instant::now());
        let mut due = arrivals(began, moments);
        let mut tasks = JoinSet::new();
        while let Some((index, moment)) = due.recv().await {
            let (idle, request) = (Rc::clone(&idle), Rc::clone(&request));
            tasks.spawn_local(async move {
                let kept = idle.borrow_mut().pop();
                let mut client = match kept {
                    Some(client) => client,
                    None => Client::connect(address).await?,
                };
                let (status, body) = client.ask(&request).await?;
                let latency = moment.elapsed();
                idle.borrow_mut().push(client);
                anyhow::Ok(Response { request: index, status, body, latency })
            });
        }
        let answers = gather(tasks).await?;
        Ok(Load { answers, wall: began.elapsed(), client_cpu: clock::thread()?.saturating_sub(cpu) })
    })
    .await
}

/// Sends a signal at each moment. A thread's sleep is exact to some 50 microseconds, the runtime's timer to a millisecond.
fn arrivals(began: Instant, moments: Vec<Duration>) -> mpsc::UnboundedReceiver<(usize, Instant)> {
    let (tell, due) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for (index, moment) in moments.into_iter().enumerate() {
            let moment = began + moment;
            std::thread::sleep(moment.saturating_duration_since(Instant::now()));
            if tell.send((index, moment)).is_err() {
                return;
            }
        }
    });
    due
}

async fn gather<T: 'static>(mut tasks: JoinSet<anyhow::Result<T>>) -> anyhow::Result<Vec<T>> {
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        results.push(ended??);
    }
    Ok(results)
}

async fn on_client_thread<F>(work: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<Load>
where
    F: Future<Output = anyhow::Result<Load>>,
{
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let load = match runtime {
            Ok(runtime) => LocalSet::new().block_on(&runtime, work()),
            Err(error) => Err(error.into()),
        };
        // Sending fails if the bench was interrupted.
        let _ = tell.send(load);
    });
    told.await.context("the clients' thread panicked")?
}

/// One kept connection.
struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(address).await.context("cannot connect to the service")?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, unread: Vec::new() })
    }

    /// Sends a request and reads its answer: status and body.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).await?;
        loop {
            if let Some((status, body, used)) = parse_answer(&self.unread)? {
                self.unread.drain(..used);
                return Ok((status, body));
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                bail!("the service closed a connection without an answer");
            }
        }
    }
}

/// Status, body and length of the first answer in `bytes`, if it is whole.
fn parse_answer(bytes: &[u8]) -> anyhow::Result<Option<(u16, Vec<u8>, usize)>> {
    let Some(head_end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..head_end]).context("the service's answer is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let (Some(status), Some(length)) = (status, length) else {
        bail!("the service's answer cannot be understood: {head}");
    };
    let end = head_end + 4 + length;
    Ok(bytes.get(head_end + 4..end).map(|body| (status, body.to_vec(), end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1";
        assert_eq!(parse_answer(answer).unwrap(), Some((200, b"ok".to_vec(), answer.len() - 8)));
        for short in [10, 30, 38, 39] {
            assert_eq!(parse_answer(&answer[..short]).unwrap(), None, "{short}");
        }
        parse_answer(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
        parse_answer(b"nonsense\r\nContent-Length: 2\r\n\r\nok").unwrap_err();
    }
}
