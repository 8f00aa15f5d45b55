import Elements
import NIOSSL

/// Why TLS was not agreed upon, in words for the log and `martinet trunks`.
enum HandshakeFailure {
  /// `certificate` is what the peer has shown, as far as it got.
  static func words(
    _ error: any Error, of certificate: NIOSSLCertificate?, at now: WallTime
  ) -> String {
    guard case .handshakeFailed(let cause)? = error as? NIOSSLError else { return "\(error)" }
    guard case .sslError(let errors) = cause else { return "the TLS handshake failed: \(cause)" }
    // "Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at file:line"
    let names = errors.map { error in
      let text = "\(error)"
      return text.split(separator: ":").compactMap { $0.split(separator: " at ").first }
        .first { $0.contains("_") && $0 != "OPENSSL_internal" && $0.allSatisfy { $0 != " " } }
        .map(String.init) ?? text
    }
    guard names.contains("CERTIFICATE_VERIFY_FAILED") else {
      return "the TLS handshake failed: \(names.joined(separator: ", "))"
    }
    // The library says no more; an end that has passed is seen in the certificate.
    if let end = certificate.map({ Int64($0.notValidAfter) }), end < now.unixSeconds {
      return "the certificate ended \((now.unixSeconds - end) / 86_400) days ago"
    }
    return "no authority that we know has signed the certificate (tls_authorities)"
  }
}
