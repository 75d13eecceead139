//! A service on a port of its own, and a client that can misbehave byte by byte.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use proofbox::{
    config::{EngineConfig, ServeConfig},
    http::{Drained, Service, run},
    verify::Engine,
};

use crate::support::program_path;

/// Longest wait for anything that should happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A service that runs until it is stopped or dropped.
pub struct Running {
    pub engine: Arc<Engine>,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl Running {
    pub async fn start(engine: EngineConfig, serve: ServeConfig) -> Running {
        // The launchers are this program executed again; that of a test is not it.
        let engine = EngineConfig { program: program_path(), ..engine };
        let engine = Arc::new(Engine::start(&engine).expect("this host can run the engine"));
        let listener = TcpListener::bind(serve.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Arc::new(Service::new(Arc::clone(&engine), serve));
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(run(listener, shutdown, service));
        Running { engine, address, stop: Some(stop), served }
    }

    /// Tells it to stop, as SIGTERM does.
    pub fn stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).expect("the service is running");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> Drained {
        timeout(SOON, &mut self.served).await.expect("the service does not end").unwrap()
    }

    pub async fn connect(&self) -> Connection {
        Connection { stream: TcpStream::connect(self.address).await.unwrap(), unread: Vec::new() }
    }

    /// One request on a connection of its own.
    pub async fn get(&self, path: &str) -> Answer {
        let mut connection = self.connect().await;
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        connection.answer().await
    }

    /// One submission on a connection of its own.
    pub async fn verify(&self, body: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect().await;
        connection.send_submission(body.as_ref()).await;
        connection.answer().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// A client's connection.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn send_submission(&mut self, body: &[u8]) {
        let head = format!(
            "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(head.as_bytes()).await;
        self.send(body).await;
    }

    /// Closes the side that sends.
    pub async fn end_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    pub async fn answer(&mut self) -> Answer {
        timeout(SOON, self.read_answer()).await.expect("no answer").expect("closed without an answer")
    }

    /// Waits until the service closes the connection, throwing away what it still sends.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = timeout(SOON, self.stream.read_to_end(&mut rest)).await.expect("the connection stays open");
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, used)) = Answer::parse(&self.unread) {
                self.unread.drain(..used);
                return Some(answer);
            }
            let mut chunk = [0; 16 << 10];
            let read = self.stream.read(&mut chunk).await.ok()?;
            if read == 0 {
                return None;
            }
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Answer {
    /// The first answer in `bytes`, if it is whole, and how long it is.
    fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
        let head_end = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let body = bytes.get(head_end..head_end + length)?;
        let body = String::from_utf8(body.to_vec()).unwrap();
        Some((Answer { status, headers, body }, head_end + length))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
