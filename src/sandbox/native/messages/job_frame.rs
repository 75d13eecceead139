//! A job as it is written to a slot: in pieces, so that what is long is never copied as a whole.

use std::{cell::RefCell, io, mem};

use postcard::ser_flavors::Flavor;
use serde::{Serialize, Serializer};
use serde_bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    frames::MAX_FRAME_BYTES,
    link_ends::LinkAt,
    slot_messages::{AskOf, WireJob, WireRun},
};
use crate::{
    sandbox::job::{Job, Run},
    value::Call,
};

/// Pieces of no more bytes are copied: that is cheaper than to write them by themselves.
const LONG_BYTES: usize = 64 << 10;

/// A message with its length before it, but for the long pieces, which follow the bytes up to a place each.
struct Frame<'a> {
    bytes: Vec<u8>,
    long: Vec<(usize, Piece<'a>)>,
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Bytes(&'a [u8]),
    Call(&'a Call),
}

impl Piece<'_> {
    fn length(self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Call(call) => call.length(),
        }
    }
}

/// A piece on its way into a frame.
struct Lent<'a, 'f> {
    piece: Piece<'a>,
    frame: &'f RefCell<Frame<'a>>,
}

/// A long piece is its length here: its content comes later. Both are written alike.
impl Serialize for Lent<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = self.piece.length();
        if length <= LONG_BYTES {
            return match self.piece {
                Piece::Bytes(bytes) => Bytes::new(bytes).serialize(serializer),
                Piece::Call(call) => Bytes::new(&call.encoded()).serialize(serializer),
            };
        }
        let written = serializer.serialize_u64(length as u64)?;
        let mut frame = self.frame.borrow_mut();
        let at = frame.bytes.len();
        frame.long.push((at, self.piece));
        Ok(written)
    }
}

/// Appends to a frame.
struct Appending<'a, 'f>(&'f RefCell<Frame<'a>>);

impl Flavor for Appending<'_, '_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.borrow_mut().bytes.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.borrow_mut().bytes.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl<'a> Frame<'a> {
    fn new(job: &'a Job, link: Option<LinkAt>, processor: Option<u32>) -> io::Result<Frame<'a>> {
        let frame = RefCell::new(Frame { bytes: vec![0; 4], long: Vec::new() });
        let lent = |bytes: &'a [u8]| Lent { piece: Piece::Bytes(bytes), frame: &frame };
        let run = |run: &'a Run| WireRun {
            stdin: lent(&run.stdin),
            call: run.call.as_ref().map(|call| Lent { piece: Piece::Call(call), frame: &frame }),
            files: run.files.iter().map(|(path, content)| (path.clone(), lent(content))).collect(),
        };
        let message = AskOf::Job(WireJob {
            program: job.program.clone(),
            sources: job.sources.iter().map(|(path, content)| (path.clone(), lent(content))).collect(),
            runs: job.runs.iter().map(run).collect(),
            collect: job.collect.to_vec(),
            link,
            processor,
            series: job.series,
        });
        postcard::serialize_with_flavor(&message, Appending(&frame)).map_err(io::Error::other)?;
        drop(message);
        let mut frame = frame.into_inner();
        let long: usize = frame.long.iter().map(|(_, piece)| piece.length()).sum();
        let length = u32::try_from(frame.bytes.len() - 4 + long).ok();
        let length = length.filter(|length| *length <= MAX_FRAME_BYTES).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "message larger than a frame may be")
        })?;
        frame.bytes[..4].copy_from_slice(&length.to_le_bytes());
        Ok(frame)
    }
}

/// Writes the message that [`super::frames::encode`] would make of a job.
pub async fn write_job(
    to: &mut (impl AsyncWrite + Unpin),
    job: &Job,
    link: Option<LinkAt>,
    processor: Option<u32>,
) -> io::Result<()> {
    let mut frame = Frame::new(job, link, processor)?;
    let mut written = 0;
    for (at, piece) in mem::take(&mut frame.long) {
        to.write_all(&frame.bytes[written..at]).await?;
        written = at;
        match piece {
            Piece::Bytes(bytes) => to.write_all(bytes).await?,
            Piece::Call(call) => {
                for chunk in call.chunks() {
                    to.write_all(&chunk).await?;
                }
            }
        }
    }
    to.write_all(&frame.bytes[written..]).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        sandbox::{
            job::Program,
            native::messages::{frames::decode, slot_messages::Ask},
        },
        value::{Packed, Value},
    };

    #[tokio::test]
    async fn long_pieces_stand_where_short_ones_do() {
        for count in [3, 30_000] {
            let items = Value::List((0..count).map(Value::Int).collect());
            let named = Value::Dict(vec![(Value::str("k"), Value::Str(vec![b'x'; count as usize * 4]))]);
            let args = Packed::new(&Value::Tuple(vec![items, Value::Int(i64::MAX), Value::None]));
            let call = Call::new("f", &args, &Packed::new(&named)).unwrap();
            let stdin: Arc<[u8]> = vec![b'y'; count as usize * 5].into();
            let encoded = call.encoded();
            assert_eq!(call.chunks().flatten().collect::<Vec<u8>>(), *encoded);
            let run = Run { call: Some(call), files: vec![("in".to_owned(), Arc::clone(&stdin))], stdin };
            let sources = Arc::from([("main.py".to_owned(), vec![b'z'; count as usize * 3])]);
            let program = Program::Exec { argv: vec!["a".to_owned()], env: Vec::new() };
            let job = Job {
                program,
                sources,
                runs: vec![run.clone(), Run::default(), run.clone()],
                collect: Arc::from([]),
                series: true,
            };
            let mut written = Vec::new();
            write_job(&mut written, &job, None, Some(1)).await.unwrap();
            assert_eq!(u32::from_le_bytes(written[..4].try_into().unwrap()) as usize, written.len() - 4);
            let Ask::Job(read) = decode::<Ask>(&written[4..]).unwrap() else { panic!("a job") };
            assert_eq!((read.runs.len(), read.processor, read.series), (3, Some(1), true));
            assert_eq!(read.sources[0].1.as_ref(), job.sources[0].1);
            for read in [&read.runs[0], &read.runs[2]] {
                assert_eq!(read.call.as_ref().unwrap().as_ref(), &*encoded);
                assert_eq!((read.stdin.as_ref(), read.files[0].1.as_ref()), (&*run.stdin, &*run.stdin));
            }
        }
    }
}
