package import Elements

/// Everything that is kept of one call: written once, when it has ended.
package struct CallDetailRecord: Hashable, Sendable {
  /// Where the call came from and went to, as far as money is concerned.
  package enum Direction: String, Hashable, Sendable, CaseIterable {
    case `internal`, inbound, outbound, emergency
  }

  package enum Party: String, Hashable, Sendable, CaseIterable {
    case caller, callee, system
  }

  /// One of the ends as we saw it.
  package struct Leg: Hashable, Sendable {
    package var side: Party
    package var `extension`: ExtensionID?
    package var trunk: TrunkID?
    /// Where its signalling came from or went to.
    package var address: Endpoint?
    package var userAgent = ""
    /// Names of the negotiated codecs, audio first: "PCMA", "H264".
    package var codecs: [String] = []
    package var quality: CallQuality?
    /// Who of those that were called talked.
    package var answered = false
    /// Nothing was heard of it for ``MediaPlan/silenceAfter``, while the other side spoke.
    package var unheard = false

    package init(side: Party) {
      self.side = side
    }
  }

  /// Stands in ``shown`` where the number was withheld or is not known.
  package static let anonymous = "anonymous"

  package var call: CallID
  /// The tenant whose call it is; nil only for a call refused before anybody was recognised.
  package var tenant: TenantID?
  package var direction: Direction
  package var startedAt: WallTime
  package var ringingAt: WallTime?
  package var answeredAt: WallTime?
  package var endedAt: WallTime
  /// When media was last seen from either side.
  package var lastMediaAt: WallTime?

  package var cause: HangupCause
  package var endedBy: Party
  /// The last status that decided the call: ours towards the caller, 200 when answered.
  package var status: UInt16

  /// The extension or the trunk number that called, as we know it and not as it says.
  package var caller: String
  /// The number that was shown to the called side; ``anonymous`` where none was.
  package var shown: String
  /// What the caller dialled, byte for byte as far as it is text.
  package var dialled: String
  /// The number in normal form: "+34976111222", or the extension.
  package var normalised: String
  /// The account that forwarded the call last, when a forward led here.
  package var forwardedBy: ExtensionID?
  /// Class of the destination: "mobile", "premium"; empty for internal calls.
  package var destinationClass: String
  /// Country of the destination, ISO 3166-1 alpha-2, or empty.
  package var country: String

  package var payer: AccountID?
  package var trunk: TrunkID?
  /// How many trunks were asked.
  package var attempts: Int
  package var hold: HoldID?
  /// What the customer pays for it.
  package var sell: Money?
  /// What the carrier bills us.
  package var purchase: Money?
  /// How many slices were paid in advance.
  package var slices: Int

  package var legs: [Leg]

  /// Time between answer and end, in whole milliseconds; zero when never answered.
  package var talkTime: Duration {
    guard let answeredAt else { return .zero }
    return max(.zero, endedAt - answeredAt)
  }

  package init(call: CallID, direction: Direction, startedAt: WallTime) {
    (self.call, self.direction, self.startedAt, endedAt) = (call, direction, startedAt, startedAt)
    (cause, endedBy, status) = (.failure, .system, 0)
    (caller, shown, dialled, normalised) = ("", "", "", "")
    (destinationClass, country, attempts, slices, legs) = ("", "", 0, 0, [])
  }
}

/// What one leg's media was like over the whole call, in integers.
package struct CallQuality: Hashable, Sendable {
  package var packetsReceived: UInt64
  package var packetsLost: UInt64
  package var jitterMicroseconds: UInt32
  /// Zero where it was never measured.
  package var roundTripMicroseconds: UInt32
  /// Mean opinion score in thousandths: 4_410 is 4.41; zero where it cannot be said.
  package var meanOpinionMilli: UInt32

  package init(
    packetsReceived: UInt64, packetsLost: UInt64, jitterMicroseconds: UInt32,
    roundTripMicroseconds: UInt32, meanOpinionMilli: UInt32
  ) {
    (self.packetsReceived, self.packetsLost) = (packetsReceived, packetsLost)
    self.jitterMicroseconds = jitterMicroseconds
    self.roundTripMicroseconds = roundTripMicroseconds
    self.meanOpinionMilli = meanOpinionMilli
  }
}
