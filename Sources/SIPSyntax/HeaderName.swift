import Elements

/// The header fields that we know by name; all others are kept as they came (RFC 3261 §7.3).
package enum HeaderName: UInt8, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case via, from, to, callID
  case cseq, maxForwards, contact, contentLength
  case contentType, route, recordRoute, path
  case serviceRoute, expires, minExpires, authorization
  case proxyAuthorization, wwwAuthenticate, proxyAuthenticate, authenticationInfo
  case proxyAuthenticationInfo, require, proxyRequire, supported
  case unsupported, allow, allowEvents, accept
  case acceptEncoding, acceptLanguage, contentEncoding, contentDisposition
  case contentLanguage, contentID, mimeVersion, userAgent
  case server, subject, date, timestamp
  case organization, priority, warning, retryAfter
  case errorInfo, alertInfo, callInfo, inReplyTo
  case replyTo, sessionExpires, minSE, replaces
  case join, referTo, referredBy, referSub
  case targetDialog, event, subscriptionState, sipETag
  case sipIfMatch, reason, assertedIdentity, preferredIdentity
  case remotePartyID, calledPartyID, associatedURI, accessNetworkInfo
  case chargingVector, earlyMedia, privacy, diversion
  case historyInfo, rack, rseq, maxBreadth
  case identity, identityInfo, requestDisposition, acceptContact
  case rejectContact, geolocation, resourcePriority, answerMode
  case infoPackage, recvInfo, flowTimer, sessionID
  case userToUser

  /// The name as we write it.
  package var text: StaticString {
    switch self {
    case .via: "Via"
    case .from: "From"
    case .to: "To"
    case .callID: "Call-ID"
    case .cseq: "CSeq"
    case .maxForwards: "Max-Forwards"
    case .contact: "Contact"
    case .contentLength: "Content-Length"
    case .contentType: "Content-Type"
    case .route: "Route"
    case .recordRoute: "Record-Route"
    case .path: "Path"
    case .serviceRoute: "Service-Route"
    case .expires: "Expires"
    case .minExpires: "Min-Expires"
    case .authorization: "Authorization"
    case .proxyAuthorization: "Proxy-Authorization"
    case .wwwAuthenticate: "WWW-Authenticate"
    case .proxyAuthenticate: "Proxy-Authenticate"
    case .authenticationInfo: "Authentication-Info"
    case .proxyAuthenticationInfo: "Proxy-Authentication-Info"
    case .require: "Require"
    case .proxyRequire: "Proxy-Require"
    case .supported: "Supported"
    case .unsupported: "Unsupported"
    case .allow: "Allow"
    case .allowEvents: "Allow-Events"
    case .accept: "Accept"
    case .acceptEncoding: "Accept-Encoding"
    case .acceptLanguage: "Accept-Language"
    case .contentEncoding: "Content-Encoding"
    case .contentDisposition: "Content-Disposition"
    case .contentLanguage: "Content-Language"
    case .contentID: "Content-ID"
    case .mimeVersion: "MIME-Version"
    case .userAgent: "User-Agent"
    case .server: "Server"
    case .subject: "Subject"
    case .date: "Date"
    case .timestamp: "Timestamp"
    case .organization: "Organization"
    case .priority: "Priority"
    case .warning: "Warning"
    case .retryAfter: "Retry-After"
    case .errorInfo: "Error-Info"
    case .alertInfo: "Alert-Info"
    case .callInfo: "Call-Info"
    case .inReplyTo: "In-Reply-To"
    case .replyTo: "Reply-To"
    case .sessionExpires: "Session-Expires"
    case .minSE: "Min-SE"
    case .replaces: "Replaces"
    case .join: "Join"
    case .referTo: "Refer-To"
    case .referredBy: "Referred-By"
    case .referSub: "Refer-Sub"
    case .targetDialog: "Target-Dialog"
    case .event: "Event"
    case .subscriptionState: "Subscription-State"
    case .sipETag: "SIP-ETag"
    case .sipIfMatch: "SIP-If-Match"
    case .reason: "Reason"
    case .assertedIdentity: "P-Asserted-Identity"
    case .preferredIdentity: "P-Preferred-Identity"
    case .remotePartyID: "Remote-Party-ID"
    case .calledPartyID: "P-Called-Party-ID"
    case .associatedURI: "P-Associated-URI"
    case .accessNetworkInfo: "P-Access-Network-Info"
    case .chargingVector: "P-Charging-Vector"
    case .earlyMedia: "P-Early-Media"
    case .privacy: "Privacy"
    case .diversion: "Diversion"
    case .historyInfo: "History-Info"
    case .rack: "RAck"
    case .rseq: "RSeq"
    case .maxBreadth: "Max-Breadth"
    case .identity: "Identity"
    case .identityInfo: "Identity-Info"
    case .requestDisposition: "Request-Disposition"
    case .acceptContact: "Accept-Contact"
    case .rejectContact: "Reject-Contact"
    case .geolocation: "Geolocation"
    case .resourcePriority: "Resource-Priority"
    case .answerMode: "Answer-Mode"
    case .infoPackage: "Info-Package"
    case .recvInfo: "Recv-Info"
    case .flowTimer: "Flow-Timer"
    case .sessionID: "Session-ID"
    case .userToUser: "User-to-User"
    }
  }

  /// The one letter that may stand for the name (RFC 3261 §7.3.3 and the IANA registry).
  package var compactForm: Character? {
    switch self {
    case .via: "v"
    case .from: "f"
    case .to: "t"
    case .callID: "i"
    case .contact: "m"
    case .contentLength: "l"
    case .contentType: "c"
    case .supported: "k"
    case .allowEvents: "u"
    case .contentEncoding: "e"
    case .subject: "s"
    case .sessionExpires: "x"
    case .referTo: "r"
    case .referredBy: "b"
    case .event: "o"
    case .identity: "y"
    case .identityInfo: "n"
    case .requestDisposition: "d"
    case .acceptContact: "a"
    case .rejectContact: "j"
    case _: nil
    }
  }

  package var description: String { "\(text)" }

  /// The field of that name, long or compact, in any case; nil for a name that we do not know.
  package init?(_ name: String) {
    let bytes = Array(name.utf8)
    guard let known = HeaderNameTable.shared.lookUp(bytes.span, ByteRange(0, bytes.count)) else {
      return nil
    }
    self = known
  }
}
