//! Addresses as attributes tell them.

#[cfg(any(feature = "actix-web", feature = "reqwest"))]
use std::net::IpAddr;

/// The host of a URL or of a `Host` header, as `server.address` tells it.
///
/// The brackets of an IPv6 address belong to the [syntax of URLs](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2),
/// where they keep it apart from the port. The attribute has the address alone, like `network.peer.address`.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// What the address's `Display` says, at a fraction of the cost where it is of version 4.
#[cfg(any(feature = "actix-web", feature = "reqwest"))]
pub(super) fn text(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else {
        return address.to_string();
    };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        let digit = |value: u8| char::from(b'0' + value % 10);
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
    text
}

#[cfg(all(test, any(feature = "actix-web", feature = "reqwest")))]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_say() {
        for octet in 0..=255 {
            let address = IpAddr::from([octet, 0, 255 - octet, octet / 2]);
            assert_eq!(text(address), address.to_string());
        }
        for address in ["::", "::1", "2001:db8::7", "::ffff:1.2.3.4"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(text(address), address.to_string());
        }
    }
}
