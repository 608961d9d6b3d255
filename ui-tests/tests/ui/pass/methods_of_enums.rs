#![deny(warnings)]

use std::borrow::Cow;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[derive(Debug, PartialEq)]
enum Room<'a> {
    Single,
    Shared { beds: u32, names: Vec<Cow<'a, str>> },
    Other(&'a str),
}

#[traced_span]
impl<'a> Room<'a> {
    fn shared(beds: u32) -> Self {
        Self::Shared {
            beds,
            names: vec![],
        }
    }

    #[span_attr("room" = ?self)]
    fn beds(&self) -> Option<u32> {
        match self {
            Self::Single => Some(1),
            Self::Shared { beds, .. } => Some(*beds),
            Self::Other(_) => None,
        }
    }

    fn add(&mut self, name: &'a str) -> Result<&mut Cow<'a, str>, Self> {
        let Self::Shared { names, .. } = self else {
            return Err(Room::Other(name));
        };
        names.push(name.into());
        names.last_mut().ok_or(Self::Single)
    }

    async fn into_name(self) -> Cow<'a, str> {
        ::core::future::ready(()).await;
        match self {
            Self::Shared { mut names, .. } => names.pop().unwrap_or_default(),
            Self::Other(name) => name.into(),
            Self::Single => Cow::default(),
        }
    }
}

fn main() {
    let mut room = Room::shared(2);
    room.add("a").unwrap().to_mut().push('b');
    assert_eq!((room.beds(), Room::Single.beds()), (Some(2), Some(1)));
    assert_eq!(Room::Single.add("c"), Err(Room::Other("c")));
    assert_eq!(room.into_name().now_or_never().as_deref(), Some("ab"));
}
