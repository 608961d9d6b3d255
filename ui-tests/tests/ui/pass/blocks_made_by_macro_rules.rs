#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

macro_rules! newtypes {
    ($($(#[$attribute:meta])* $name:ident($inner:ty) { $($method:item)* })+) => {
        $(
            struct $name($inner);

            $(#[$attribute])*
            impl $name {
                $($method)*

                #[span_attr("name" = stringify!($name))]
                fn inner(&self) -> &$inner {
                    &self.0
                }
            }
        )+

        #[traced_span]
        trait Count {
            fn count(&self) -> usize;

            fn more(&self) -> usize {
                self.count() + 1
            }
        }

        $(
            #[traced_span]
            impl Count for $name {
                fn count(&self) -> usize {
                    self.inner().to_string().len()
                }
            }
        )+
    };
}

newtypes! {
    #[traced_span(kind = client)]
    Room(u32) {
        fn new(n: u32) -> Self {
            Self(n)
        }
    }
    Name(String) {
        #[traced_span]
        fn new(name: &str) -> Self {
            Self(name.to_owned())
        }
    }
}

fn main() {
    assert_eq!(Room::new(12).more(), 3);
    assert_eq!(Name::new("a").more(), 2);
}
