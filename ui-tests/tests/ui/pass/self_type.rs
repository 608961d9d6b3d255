#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[derive(Clone, Debug, Default, PartialEq)]
struct Room<T> {
    beds: T,
}

trait Sized2 {
    type Unit;
    const BEDS: u32;
}

impl<T> Sized2 for Room<T> {
    type Unit = u8;
    const BEDS: u32 = 4;
}

impl<T: Clone + Default> Room<T> {
    const NAME: &'static str = "room";

    #[traced_span(name = Self::NAME)]
    #[span_attr("beds" = <Self as Sized2>::BEDS)]
    fn new(unit: <Self as Sized2>::Unit, beds: T) -> Result<Self, <Self as Sized2>::Unit> {
        if u32::from(unit) > Self::BEDS {
            return Err(unit);
        }
        let make: fn(T) -> Self = |beds| Self { beds };
        Ok(make(beds))
    }

    #[traced_span]
    fn all(&self, others: &[Self]) -> Vec<Self> {
        others.iter().chain([self]).map(Self::clone).collect()
    }

    #[traced_span]
    async fn later(self) -> (Self, [Self; 1]) {
        ::core::future::ready(()).await;
        let Self { beds } = self;
        (Self { beds }, [Self::default()])
    }
}

fn main() {
    let room = Room::new(1, 2_u32).unwrap();
    assert_eq!(Room::new(5, 2_u32), Err(5));
    assert_eq!(room.all(&[Room { beds: 1 }]).len(), 2);
    assert_eq!(
        room.later().now_or_never(),
        Some((Room { beds: 2 }, [Room { beds: 0 }]))
    );
}
