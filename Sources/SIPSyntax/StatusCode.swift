import Elements

/// The status code of a response, 100 to 699 (RFC 3261 §21).
package struct StatusCode: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral,
  CustomStringConvertible
{
  package let number: UInt16

  /// For codes of our own; those of a peer come in by ``init(exactly:)``.
  package init(integerLiteral number: UInt16) {
    invariant((100...699).contains(number), "\(number) is no status code")
    self.number = number
  }

  /// The code, or nil outside 100…699.
  package init?(exactly number: Int) {
    guard (100...699).contains(number) else { return nil }
    self.number = UInt16(number)
  }

  package var isProvisional: Bool { number < 200 }
  package var isSuccess: Bool { number / 100 == 2 }
  package var isRedirection: Bool { number / 100 == 3 }
  package var isFinal: Bool { number >= 200 }

  package static func < (left: StatusCode, right: StatusCode) -> Bool { left.number < right.number }

  package var description: String { "\(number) \(reasonPhrase)" }

  /// The phrase that the RFCs give for the code, or that of its class for an unknown one.
  package var reasonPhrase: String { "\(phrase)" }

  /// The same, to be written without making a `String`.
  var phrase: StaticString {
    switch number {
    case 100...299: progressPhrase
    case 300...399: redirectionPhrase
    case 400...499: requestFailurePhrase
    case 500...599: serverFailurePhrase
    case _: globalFailurePhrase
    }
  }

  private var progressPhrase: StaticString {
    switch number {
    case 100: "Trying"
    case 180: "Ringing"
    case 181: "Call Is Being Forwarded"
    case 182: "Queued"
    case 183: "Session Progress"
    case 199: "Early Dialog Terminated"
    case 200: "OK"
    case 202: "Accepted"
    case 204: "No Notification"
    case ..<200: "Progress"
    case _: "Success"
    }
  }

  private var redirectionPhrase: StaticString {
    switch number {
    case 300: "Multiple Choices"
    case 301: "Moved Permanently"
    case 302: "Moved Temporarily"
    case 305: "Use Proxy"
    case 380: "Alternative Service"
    case _: "Redirection"
    }
  }

  private var requestFailurePhrase: StaticString {
    switch number {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 407: "Proxy Authentication Required"
    case 408: "Request Timeout"
    case 410: "Gone"
    case 412: "Conditional Request Failed"
    case 413: "Request Entity Too Large"
    case 414: "Request-URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Unsupported URI Scheme"
    case 417: "Unknown Resource-Priority"
    case 420: "Bad Extension"
    case 421: "Extension Required"
    case 422: "Session Interval Too Small"
    case 423: "Interval Too Brief"
    case 424: "Bad Location Information"
    case 425: "Bad Alert Message"
    case 428: "Use Identity Header"
    case 429: "Provide Referrer Identity"
    case 430: "Flow Failed"
    case 433: "Anonymity Disallowed"
    case 436: "Bad Identity Info"
    case 437: "Unsupported Credential"
    case 438: "Invalid Identity Header"
    case 439: "First Hop Lacks Outbound Support"
    case 440: "Max-Breadth Exceeded"
    case 469: "Bad Info Package"
    case 470: "Consent Needed"
    case _: callFailurePhrase
    }
  }

  private var callFailurePhrase: StaticString {
    switch number {
    case 480: "Temporarily Unavailable"
    case 481: "Call/Transaction Does Not Exist"
    case 482: "Loop Detected"
    case 483: "Too Many Hops"
    case 484: "Address Incomplete"
    case 485: "Ambiguous"
    case 486: "Busy Here"
    case 487: "Request Terminated"
    case 488: "Not Acceptable Here"
    case 489: "Bad Event"
    case 491: "Request Pending"
    case 493: "Undecipherable"
    case 494: "Security Agreement Required"
    case _: "Request Failure"
    }
  }

  private var serverFailurePhrase: StaticString {
    switch number {
    case 500: "Server Internal Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Server Time-out"
    case 505: "Version Not Supported"
    case 513: "Message Too Large"
    case 555: "Push Notification Service Not Supported"
    case 580: "Precondition Failure"
    case _: "Server Failure"
    }
  }

  private var globalFailurePhrase: StaticString {
    switch number {
    case 600: "Busy Everywhere"
    case 603: "Decline"
    case 604: "Does Not Exist Anywhere"
    case 606: "Not Acceptable"
    case 607: "Unwanted"
    case 608: "Rejected"
    case _: "Global Failure"
    }
  }
}
