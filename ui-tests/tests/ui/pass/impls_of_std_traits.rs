#![deny(warnings)]

use std::fmt::{self, Debug, Display};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::str::FromStr;

use otel_runtime::{span_attr, traced_span};

struct Room {
    id: u32,
}

#[traced_span]
impl Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room {}", self.id)
    }
}

impl Debug for Room {
    #[traced_span]
    #[span_attr("room" = %self)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> Result<(), fmt::Error> {
        f.debug_struct("Room").field("id", &self.id).finish()
    }
}

#[traced_span]
impl From<u32> for Room {
    fn from(id: u32) -> Self {
        Self { id }
    }
}

#[traced_span]
impl TryFrom<i64> for Room {
    type Error = std::num::TryFromIntError;

    fn try_from(id: i64) -> Result<Self, Self::Error> {
        Ok(u32::try_from(id)?.into())
    }
}

#[traced_span]
impl FromStr for Room {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|id| Self { id })
    }
}

#[traced_span]
impl PartialEq for Room {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

#[traced_span]
impl Hash for Room {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[traced_span]
impl Default for Room {
    fn default() -> Self {
        Self { id: 7 }
    }
}

#[traced_span]
impl Clone for Room {
    fn clone(&self) -> Self {
        Self { id: self.id }
    }
}

#[traced_span]
impl Read for Room {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(first) = bytes.first_mut() else { return Ok(0) };
        *first = u8::try_from(self.id).map_err(io::Error::other)?;
        Ok(1)
    }
}

#[traced_span]
impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.id += u32::from(*bytes.first().ok_or(io::ErrorKind::WriteZero)?);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let mut room = Room::default();
    room.write_all(&[1]).unwrap();
    let mut bytes = [0];
    room.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, [8]);
    assert_eq!(format!("{room} {room:?}"), "room 8 Room { id: 8 }");
    assert_eq!("8".parse::<Room>(), Ok(room.clone()));
    assert!(Room::try_from(-1_i64).is_err() && Room::from(8) == room);
    let (mut one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
    room.hash(&mut one);
    8_u32.hash(&mut other);
    assert_eq!(one.finish(), other.finish());
}
