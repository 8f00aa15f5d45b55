import NIOSSL

/// Why TLS was not agreed upon, in words for the log and `martinet trunks`.
enum HandshakeFailure {
  static func words(_ error: any Error) -> String {
    guard case .handshakeFailed(let cause)? = error as? NIOSSLError else { return "\(error)" }
    guard case .sslError(let errors) = cause else { return "the TLS handshake failed: \(cause)" }
    // "Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at file:line"
    let names = errors.map { error in
      let text = "\(error)"
      return text.split(separator: ":").compactMap { $0.split(separator: " at ").first }
        .first { $0.contains("_") && $0 != "OPENSSL_internal" && $0.allSatisfy { $0 != " " } }
        .map(String.init) ?? text
    }
    return names.contains("CERTIFICATE_VERIFY_FAILED")
      ? "no authority that we know has signed the certificate (tls_authorities)"
      : "the TLS handshake failed: \(names.joined(separator: ", "))"
  }
}
