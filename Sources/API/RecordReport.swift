/// One call detail record, as `martinet records` shows it; times are ISO 8601 in UTC.
package struct RecordReport: Codable, Sendable {
  package var call: UInt64
  package var tenant: String?
  /// "internal", "outbound", "inbound" or "emergency".
  package var kind: String
  /// How it ended, in one word: docs/operator/reports.md has the list.
  package var cause: String
  /// Who ended it: "caller", "callee" or "system".
  package var endedBy: String
  /// The final SIP status that the caller got; 0 where it got none.
  package var status: Int
  package var from: String
  package var shown: String
  package var dialled: String
  /// E.164 or extension after all rewriting.
  package var to: String
  package var startedAt: String
  package var ringingAt: String?
  package var answeredAt: String?
  package var endedAt: String
  package var lastMediaAt: String?
  package var talkSeconds: Double
  package var destinationClass: String?
  package var country: String?
  package var trunk: String?
  /// The extension that talked, or the trunk behind which somebody did; nil when nobody answered.
  package var answeredBy: String?
  /// Extension that paid, and both prices in units of the currency, "2.50 EUR".
  package var payer: String?
  package var sell: String?
  package var purchase: String?
  package var slices: Int
  package var attempts: Int
  package var legs: [Leg]

  /// One party of the call, as our side heard it.
  package struct Leg: Codable, Sendable {
    /// "caller" or "callee".
    package var side: String
    package var `extension`: String?
    package var trunk: String?
    package var address: String?
    package var userAgent: String?
    package var codecs: [String]
    package var packetsReceived: UInt64?
    package var packetsLost: UInt64?
    package var jitterMilliseconds: Double?
    package var roundTripMilliseconds: Double?
    /// Mean opinion score, 1 to 4.5 (ITU-T G.107).
    package var mos: Double?
    /// True for the one that talked with the caller; else nil.
    package var answered: Bool?
    /// True when nothing was heard of it for long, while the other side spoke; else nil.
    package var unheard: Bool?

    package init(side: String) {
      self.side = side
      codecs = []
    }

    enum CodingKeys: String, CodingKey {
      case side, `extension`, trunk, address, codecs, mos, answered, unheard
      case userAgent = "user_agent"
      case packetsReceived = "packets_received"
      case packetsLost = "packets_lost"
      case jitterMilliseconds = "jitter_ms"
      case roundTripMilliseconds = "round_trip_ms"
    }
  }

  package init(
    call: UInt64, kind: String, cause: String, endedBy: String, status: Int, from: String,
    shown: String, dialled: String, to: String, startedAt: String, endedAt: String,
    talkSeconds: Double, slices: Int, attempts: Int, legs: [Leg]
  ) {
    (self.call, self.kind, self.cause, self.endedBy) = (call, kind, cause, endedBy)
    (self.status, self.from, self.shown) = (status, from, shown)
    (self.dialled, self.to) = (dialled, to)
    (self.startedAt, self.endedAt, self.talkSeconds) = (startedAt, endedAt, talkSeconds)
    (self.slices, self.attempts, self.legs) = (slices, attempts, legs)
  }

  enum CodingKeys: String, CodingKey {
    case call, tenant, kind, cause, status, from, shown, dialled, to, country, trunk, payer, sell
    case purchase, slices, attempts, legs
    case endedBy = "ended_by"
    case startedAt = "started_at"
    case ringingAt = "ringing_at"
    case answeredAt = "answered_at"
    case answeredBy = "answered_by"
    case endedAt = "ended_at"
    case lastMediaAt = "last_media_at"
    case talkSeconds = "talk_s"
    case destinationClass = "class"
  }
}
