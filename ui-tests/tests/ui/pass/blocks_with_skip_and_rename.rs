#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

const NAME: &str = "renamed.by.a.const";

#[traced_span(kind = client)]
mod rooms {
    use otel_runtime::traced_span;

    pub const LIMIT: u32 = 4;

    pub const fn in_the_compiler(n: u32) -> u32 {
        n + LIMIT
    }

    #[traced_span(skip)]
    pub const fn skipped_as_well() -> u32 {
        1
    }

    pub async fn later() {
        ::core::future::ready(()).await;
    }

    #[traced_span("rooms.renamed", err = off)]
    pub fn renamed() -> Result<u32, super::Silent> {
        (deeper() == 2).then(nested::value).ok_or(super::Silent)
    }

    #[traced_span(skip)]
    mod nested {
        pub fn value() -> u32 {
            1
        }
    }

    #[traced_span(name = super::NAME, kind = server)]
    fn deeper() -> u32 {
        macro_rules! two {
            () => {
                2
            };
        }
        two!()
    }

    pub trait Beds {
        const BEDS: u32;

        fn beds(&self) -> u32;

        fn twice(&self) -> u32 {
            self.beds() * 2
        }
    }

    impl<T> Beds for Vec<T> {
        const BEDS: u32 = LIMIT;

        fn beds(&self) -> u32 {
            u32::try_from(self.len()).unwrap_or(Self::BEDS)
        }
    }
}

pub struct Silent;

struct Hotel<T>(T);

#[traced_span(err = off)]
impl<T: Copy + Into<u64>> Hotel<T> {
    const ONE: u64 = 1;

    #[traced_span(skip)]
    #[must_use]
    fn hot(&self) -> T {
        self.0
    }

    #[traced_span("hotel.total", kind = producer)]
    #[span_attr("total" = |total| *total)]
    fn total(&self) -> u64 {
        self.hot().into() + Self::ONE
    }

    fn silent(&self) -> Result<T, Silent> {
        Some(self.0).filter(|it| (*it).into() > 1).ok_or(Silent)
    }
}

const SUM: u32 = rooms::in_the_compiler(1) + rooms::skipped_as_well();

fn main() {
    use rooms::Beds as _;

    assert_eq!(SUM, 6);
    assert_eq!(rooms::renamed().ok(), Some(1));
    assert_eq!(vec![1, 2].twice(), 4);
    assert_eq!(Hotel(1_u32).total(), 2);
    assert!(Hotel(1_u8).silent().is_err());
    drop(rooms::later());
}
