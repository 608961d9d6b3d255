//! How much a tree tells.

/// What a tree tells of a span beside kind, name and status: nothing, or the service, or the attributes, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    pub(super) services: bool,
    pub(super) attributes: bool,
}

impl Detail {
    /// All there is: services, attributes, events and links.
    pub const ALL: Self = Self {
        services: true,
        attributes: true,
    };
}

#[cfg(feature = "testing")]
impl Detail {
    /// Kind, name and status alone.
    pub const NAMES: Self = Self {
        services: false,
        attributes: false,
    };

    /// Also tells the service that recorded each span.
    #[must_use]
    pub const fn with_services(self) -> Self {
        Self {
            services: true,
            ..self
        }
    }

    /// Also tells the attributes, events and links of each span.
    #[must_use]
    pub const fn with_attributes(self) -> Self {
        Self {
            attributes: true,
            ..self
        }
    }
}
