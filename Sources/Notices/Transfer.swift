import CCurlShim
import Elements

/// One libcurl handle, used by one thread: it keeps its connections for the next transfer.
final class Transfer {
  /// Why the other side did not take it, in libcurl's words or the server's answer.
  struct Failure: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
  private static let connectSeconds = 10
  private static let wholeSeconds = 30

  private let handle: UnsafeMutableRawPointer?
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let answer = UnsafeMutablePointer<curl_shim_line>.allocate(capacity: 1)

  init() {
    handle = Transfer.isReady ? curl_easy_init() : nil
  }

  deinit {
    if let handle { curl_easy_cleanup(handle) }
    errorText.deallocate()
    answer.deallocate()
  }

  /// Hands a mail to a server; returns when the server has answered for it (250).
  func send(_ mail: MailMessage, to recipient: String, by server: MailServer) throws(Failure) {
    var options: [(CURLoption, String)] = [
      (CURLOPT_PROTOCOLS_STR, "smtp,smtps"), (CURLOPT_URL, server.url),
      (CURLOPT_MAIL_FROM, "<\(server.from)>"),
    ]
    if let username = server.username { options.append((CURLOPT_USERNAME, username)) }
    if let password = server.password {
      options.append((CURLOPT_PASSWORD, String(decoding: password.exposed, as: UTF8.self)))
    }
    if let file = server.trustedCertificates { options.append((CURLOPT_CAINFO, file)) }
    let tls = server.needsTLS ? CURLUSESSL_ALL : CURLUSESSL_TRY
    try perform(
      options,
      [
        (CURLOPT_USE_SSL, Int(tls.rawValue)),
        (CURLOPT_SSL_VERIFYPEER, server.provesItsName ? 1 : 0),
        (CURLOPT_SSL_VERIFYHOST, server.provesItsName ? 2 : 0),
      ],
      lists: [(CURLOPT_MAIL_RCPT, ["<\(recipient)>"])], upload: mail.bytes, body: nil)
  }

  /// Posts to a webhook; returns when the other side has answered with 2xx.
  func post(_ message: WebhookMessage, to url: String) throws(Failure) {
    // Redirects are not followed: the address that was configured is the one that is told.
    try perform(
      [(CURLOPT_PROTOCOLS_STR, "http,https"), (CURLOPT_URL, url)], [(CURLOPT_POST, 1)],
      lists: [(CURLOPT_HTTPHEADER, message.headers)], upload: nil, body: message.body)
    var status = 0
    curl_shim_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    guard (200...299).contains(status) else {
      throw Failure(description: "the other side answered \(status)")
    }
  }

  private func perform(
    _ strings: [(CURLoption, String)], _ numbers: [(CURLoption, Int)],
    lists: [(CURLoption, [String])], upload: [UInt8]?, body: [UInt8]?
  ) throws(Failure) {
    guard let handle else { throw Failure(description: "libcurl cannot be started") }
    curl_easy_reset(handle)
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    answer.initialize(to: curl_shim_line())
    var codes = [
      curl_shim_set_error_buffer(handle, errorText),
      curl_shim_set_long(handle, CURLOPT_NOSIGNAL, 1),
      curl_shim_set_long(handle, CURLOPT_CONNECTTIMEOUT, Transfer.connectSeconds),
      curl_shim_set_long(handle, CURLOPT_TIMEOUT, Transfer.wholeSeconds),
    ]
    for (option, value) in strings { codes.append(curl_shim_set_string(handle, option, value)) }
    for (option, value) in numbers { codes.append(curl_shim_set_long(handle, option, value)) }
    var kept: [UnsafeMutablePointer<curl_slist>] = []
    defer { for list in kept { curl_slist_free_all(list) } }
    for (option, lines) in lists {
      var list: UnsafeMutablePointer<curl_slist>?
      for line in lines {
        guard let longer = curl_slist_append(list, line) else {
          if let list { kept.append(list) }
          throw Failure(description: "out of memory")
        }
        list = longer
      }
      if let list { kept.append(list) }
      codes.append(curl_shim_set_list(handle, option, list))
    }
    if let body {
      codes.append(
        body.withUnsafeBufferPointer { curl_shim_set_body(handle, $0.baseAddress, body.count) })
    }
    if upload != nil { codes.append(curl_shim_keep_line(handle, answer)) }
    if let wrong = codes.first(where: { $0 != CURLE_OK }) { throw failure(wrong) }
    let code = run(handle, upload: upload ?? [], isUpload: upload != nil)
    guard code == CURLE_OK else { throw failure(code) }
  }

  /// The transfer itself, with everything libcurl keeps a pointer to alive around it.
  private func run(
    _ handle: UnsafeMutableRawPointer, upload: [UInt8], isUpload: Bool
  ) -> CURLcode {
    upload.withUnsafeBufferPointer { bytes in
      var source = curl_shim_upload(bytes: bytes.baseAddress, count: bytes.count, offset: 0)
      var seen = 0
      return withUnsafeMutablePointer(to: &source) { source in
        withUnsafeMutablePointer(to: &seen) { seen in
          var code = curl_shim_drop_answer(handle, seen)
          if code == CURLE_OK, isUpload { code = curl_shim_set_upload(handle, source) }
          return code == CURLE_OK ? curl_easy_perform(handle) : code
        }
      }
    }
  }

  private func failure(_ code: CURLcode) -> Failure {
    let own = String(cString: errorText)
    let words = own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
    let said = withUnsafeBytes(of: answer.pointee.text) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    // A greeting or a 250 before the connection broke says nothing.
    let isRefusal = said.utf8.first.map { $0 == 52 || $0 == 53 } ?? false
    return Failure(
      description: isRefusal ? "\(words); the server said: \(NoticeText.inert(said))" : words)
  }
}
