import CCurlShim
import Dispatch
import Foundation
import Synchronization

/// HTTPS to an authority: one request at a time, each with bounds of time and size.
///
/// Redirects are not followed: an authority names its addresses itself (RFC 8555 §7.1.1).
final class WebClient: Sendable {
  struct Answer: Sendable {
    let status: Int
    let body: Data
    fileprivate(set) var nonce: String?
    fileprivate(set) var location: String?
    fileprivate(set) var retryAfterSeconds: Int?
  }

  enum Method: Sendable {
    case head, get
    case post(Data)
  }

  private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
  private static let connectSeconds = 10
  private static let wholeSeconds = 30
  /// Far above any chain of certificates.
  private static let largestAnswer = 256 * 1024

  /// A PEM file of authorities beside the system's, whom the server we ask may have its certificate from.
  private let authorities: String?
  /// libcurl waits, and the tasks of others shall not.
  private let queue = DispatchQueue(label: "acme")

  init(authorities: String?) {
    self.authorities = authorities
  }

  /// A server that ends does not wait for an authority that hangs: what runs yet is left to itself.
  func send(_ method: Method, to url: String) async throws(AuthorityError) -> Answer {
    let outcome = Outcome()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        outcome.wait(continuation)
        queue.async { [self] in
          outcome.become(Result { () throws(AuthorityError) in try perform(method, url) })
        }
      }
    } onCancel: {
      outcome.become(.failure(.calledOff))
    }
    return try result.get()
  }

  /// The first word on a request, which counts.
  private final class Outcome: Sendable {
    private enum State {
      case open
      case awaited(CheckedContinuation<Result<Answer, AuthorityError>, Never>)
      case known(Result<Answer, AuthorityError>)
      case told
    }

    private let state = Mutex(State.open)

    func wait(_ continuation: CheckedContinuation<Result<Answer, AuthorityError>, Never>) {
      state.withLock { state in
        switch state {
        case .known(let result):
          state = .told
          continuation.resume(returning: result)
        case .open, .awaited, .told: state = .awaited(continuation)
        }
      }
    }

    func become(_ result: Result<Answer, AuthorityError>) {
      state.withLock { state in
        switch state {
        case .open: state = .known(result)
        case .awaited(let continuation):
          state = .told
          continuation.resume(returning: result)
        case .known, .told: break
        }
      }
    }
  }

  private func perform(_ method: Method, _ url: String) throws(AuthorityError) -> Answer {
    guard Self.isReady, let handle = curl_easy_init() else {
      throw .unreachable(url: url, reason: "libcurl cannot be started")
    }
    defer { curl_easy_cleanup(handle) }
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    defer { errorText.deallocate() }
    let headers = curl_slist_append(nil, "Content-Type: application/jose+json")
    defer { curl_slist_free_all(headers) }
    var code = curl_shim_set_error_buffer(handle, errorText)
    func set(_ option: CURLoption, _ value: Int) {
      if code == CURLE_OK { code = curl_shim_set_long(handle, option, value) }
    }
    func set(_ option: CURLoption, _ value: String) {
      if code == CURLE_OK { code = curl_shim_set_string(handle, option, value) }
    }
    set(CURLOPT_PROTOCOLS_STR, "https")
    set(CURLOPT_URL, url)
    // RFC 8555 §6.1 wants one.
    set(CURLOPT_USERAGENT, "Martinet (libcurl)")
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_CONNECTTIMEOUT, Self.connectSeconds)
    set(CURLOPT_TIMEOUT, Self.wholeSeconds)
    if let authorities { set(CURLOPT_CAINFO, authorities) }
    switch method {
    case .head: set(CURLOPT_NOBODY, 1)
    case .get: break
    case .post(let body):
      set(CURLOPT_POST, 1)
      if code == CURLE_OK { code = curl_shim_set_list(handle, CURLOPT_HTTPHEADER, headers) }
      if code == CURLE_OK {
        code = Array(body).withUnsafeBufferPointer {
          curl_shim_set_body(handle, $0.baseAddress, $0.count)
        }
      }
    }
    var body = [UInt8](repeating: 0, count: Self.largestAnswer)
    var count = 0
    let final = code
    code = body.withUnsafeMutableBufferPointer { bytes in
      var answer = curl_shim_body(bytes: bytes.baseAddress, capacity: bytes.count, count: 0)
      return withUnsafeMutablePointer(to: &answer) { answer in
        var code = final
        if code == CURLE_OK { code = curl_shim_keep_body(handle, answer) }
        if code == CURLE_OK { code = curl_easy_perform(handle) }
        count = answer.pointee.count
        return code
      }
    }
    guard code == CURLE_OK else {
      let own = String(cString: errorText)
      throw .unreachable(
        url: url, reason: own.isEmpty ? String(cString: curl_easy_strerror(code)) : own)
    }
    var status = 0
    curl_shim_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    return Answer(
      status: status, body: Data(body.prefix(count)), nonce: Self.header("Replay-Nonce", handle),
      location: Self.header("Location", handle),
      retryAfterSeconds: Self.header("Retry-After", handle).flatMap { Int($0) })
  }

  private static func header(_ name: String, _ handle: UnsafeMutableRawPointer) -> String? {
    var found: UnsafeMutablePointer<curl_header>?
    guard curl_easy_header(handle, name, 0, UInt32(CURLH_HEADER), -1, &found) == CURLHE_OK,
      let value = found?.pointee.value
    else { return nil }
    return String(cString: value)
  }
}
