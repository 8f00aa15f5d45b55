package import SIPSyntax

/// How far and how wide a request may still spread (RFC 3261 §16.3, RFC 5393 §5.3.3).
///
/// A B2BUA that forwards a request hands the rest of its budget on; then no circle of tenants, trunks
/// and forwardings is endless, and no two addresses that fork to each other multiply (RFC 5393 §3).
package struct HopBudget: Hashable, Sendable {
  /// Hops that are left, this one not counted.
  package let maxForwards: UInt8
  /// Branches that may be open at a time.
  package let maxBreadth: UInt32

  package init(maxForwards: UInt8 = 70, maxBreadth: UInt32 = 60) {
    (self.maxForwards, self.maxBreadth) = (maxForwards, maxBreadth)
  }

  /// What a request brings along; 70 hops and a breadth of 60 where it says nothing (RFC 5393 §5.3.3.1).
  package init(_ request: Message) {
    self.init(
      maxForwards: request.maxForwards ?? 70, maxBreadth: min(request.maxBreadth ?? 60, 60))
  }

  /// What each of so many branches gets that are open at the same time, 1 to ``maxBreadth`` of them: a hop less, and its part
  /// of the breadth.
  package func share(among branches: Int) -> HopBudget {
    HopBudget(
      maxForwards: max(maxForwards, 1) - 1,
      maxBreadth: maxBreadth / UInt32(clamping: max(branches, 1)))
  }

  /// The header field that hands the breadth on; Max-Forwards goes into ``RequestDraft/maxForwards``.
  package var header: HeaderDraft { HeaderDraft(.maxBreadth, "\(maxBreadth)") }
}

extension ResponseDraft {
  /// A refusal with what the RFCs let it say besides.
  package static func refusal(
    _ status: StatusCode, retryAfterSeconds: Int? = nil, warning: Warning? = nil,
    reason: Reason? = nil
  ) -> ResponseDraft {
    var headers: [HeaderDraft] = []
    if let retryAfterSeconds { headers.append(HeaderDraft(.retryAfter, "\(retryAfterSeconds)")) }
    if let warning { headers.append(HeaderDraft(.warning, warning)) }
    if let reason { headers.append(HeaderDraft(.reason, reason)) }
    return ResponseDraft(status, headers: headers)
  }
}
