//! How a message becomes bytes on a socket: four bytes of length, then its encoding.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::sandbox::sys::unforked::Unforked;

/// No frame is larger: the largest body the service accepts plus framing.
pub const MAX_FRAME_BYTES: u32 = 1 << 30;

/// Writes a message: four bytes of length, little endian, then its encoding.
pub fn write_message<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?)
}

/// A message ready to be written.
pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0u8; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4)
        .ok()
        .filter(|length| *length <= MAX_FRAME_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "message larger than a frame may be"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Writes a message from memory that no fork of this process inherits.
pub fn write_unforked<T: Serialize>(
    to: &mut impl Write,
    frame: &mut Unforked,
    message: &T,
) -> io::Result<()> {
    frame.clear();
    frame.write_all(&[0; 4])?;
    postcard::to_io(message, &mut *frame).map_err(io::Error::other)?;
    let length = frame.len() as u32 - 4;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(frame)
}

/// Reads a message, not yet decoded, into such memory. `UnexpectedEof` when the other side is gone.
pub fn read_unforked(from: &mut impl Read) -> io::Result<Unforked> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = frame_length(length)?;
    let mut frame = Unforked::with_capacity(length)?;
    from.read_exact(frame.extend_by(length))?;
    Ok(frame)
}

/// Reads a message. `UnexpectedEof` when the other side is gone.
pub fn read_message<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; frame_length(length)?];
    from.read_exact(&mut body)?;
    decode(&body)
}

/// Checks a frame's length prefix.
pub fn frame_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(prefix);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame length out of bounds"));
    }
    Ok(length as usize)
}

pub fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> io::Result<T> {
    postcard::from_bytes(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
