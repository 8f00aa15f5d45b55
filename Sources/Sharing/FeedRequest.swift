import CCurlShim
import Elements

/// Asks one peer for its list over HTTPS: one libcurl handle, used by one thread, so that its connection is kept.
final class FeedRequest {
  /// Why nothing was heard, in libcurl's words or the server's answer.
  struct Failure: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  enum Answer {
    case entries([UInt8])
    /// Older entries than this number are gone.
    case gone(oldest: UInt64)
  }

  /// More than a page of ours can have.
  static let largestAnswer = 1 << 20
  static let waitSeconds = 25
  private static let connectSeconds = 10
  private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

  private let peer: SharingSettings.Peer
  private let handle: UnsafeMutableRawPointer?
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: FeedRequest.largestAnswer)

  init(_ peer: SharingSettings.Peer) {
    self.peer = peer
    handle = FeedRequest.isReady ? curl_easy_init() : nil
  }

  deinit {
    if let handle { curl_easy_cleanup(handle) }
    errorText.deallocate()
    bytes.deallocate()
  }

  /// What the peer has said behind an entry; where that is nothing it answers when there is, or after a while.
  func entries(after sequence: UInt64) throws(Failure) -> Answer {
    guard let handle else { throw Failure(description: "libcurl cannot be started") }
    var body = curl_shim_body(bytes: bytes, capacity: Self.largestAnswer, count: 0)
    let code = withUnsafeMutablePointer(to: &body) { body in
      perform(handle, "/bans/log?after=\(sequence)&wait=\(Self.waitSeconds)", into: body)
    }
    guard code == CURLE_OK else { throw failure(code) }
    var status = 0
    curl_shim_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    let answer = Array(UnsafeBufferPointer(start: bytes, count: body.count))
    switch status {
    case 200: return .entries(answer)
    case 410:
      let digits = String(
        decoding: answer.prefix(20).prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self)
      guard let oldest = UInt64(digits), (1...UInt64(Int64.max)).contains(oldest) else {
        throw Failure(description: "it answered 410 without the number of its oldest entry")
      }
      return .gone(oldest: oldest)
    case 401: throw Failure(description: "it does not take our token (401)")
    case 409:
      throw Failure(
        description: """
          its list is shorter than what was heard of it (409). Was it restored from a backup, its list must be \
          taken anew: `martinet bans forget \(peer.name)`
          """)
    case _: throw Failure(description: "it answered \(status)")
    }
  }

  private func perform(
    _ handle: UnsafeMutableRawPointer, _ path: String,
    into body: UnsafeMutablePointer<curl_shim_body>
  ) -> CURLcode {
    curl_easy_reset(handle)
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    let token = String(decoding: peer.token.exposed, as: UTF8.self)
    let headers = curl_slist_append(nil, "Authorization: Bearer \(token)")
    defer { curl_slist_free_all(headers) }
    // Redirects are not followed: the address that was configured gets the token, and nobody else.
    var codes = [
      curl_shim_set_error_buffer(handle, errorText),
      curl_shim_set_long(handle, CURLOPT_NOSIGNAL, 1),
      curl_shim_set_long(handle, CURLOPT_CONNECTTIMEOUT, Self.connectSeconds),
      curl_shim_set_long(handle, CURLOPT_TIMEOUT, Self.waitSeconds + 15),
      curl_shim_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1),
      curl_shim_set_long(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
      curl_shim_set_string(handle, CURLOPT_PROTOCOLS_STR, "https"),
      curl_shim_set_string(handle, CURLOPT_URL, peer.url + path),
      curl_shim_set_list(handle, CURLOPT_HTTPHEADER, headers),
      curl_shim_keep_body(handle, body),
    ]
    if let file = peer.authorities {
      codes.append(curl_shim_set_string(handle, CURLOPT_CAINFO, file))
      codes.append(curl_shim_set_string(handle, CURLOPT_CAPATH, "/dev/null"))
    }
    return codes.first { $0 != CURLE_OK } ?? curl_easy_perform(handle)
  }

  private func failure(_ code: CURLcode) -> Failure {
    if code == CURLE_WRITE_ERROR {
      return Failure(description: "its answer is longer than \(Self.largestAnswer) bytes")
    }
    let own = String(cString: errorText)
    return Failure(description: own.isEmpty ? String(cString: curl_easy_strerror(code)) : own)
  }
}
