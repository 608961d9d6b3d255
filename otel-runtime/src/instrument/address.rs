//! Addresses as attributes tell them.

/// The host of a URL or of a `Host` header, as `server.address` tells it.
///
/// The brackets of an IPv6 address belong to the [syntax of URLs](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2),
/// where they keep it apart from the port. The attribute has the address alone, like `network.peer.address`.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
