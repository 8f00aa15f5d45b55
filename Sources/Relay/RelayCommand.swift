package import Elements

/// What the switch asks of the relay.
///
/// Commands about a session that is not there (any more) are ignored: a close may cross them.
package enum RelayCommand: Sendable {
  /// Takes ports for every leg; answered by `.opened` with all of them, or `.failed`.
  case open(MediaSessionID, MediaPlan)
  /// Adds a leg (a branch of a fork, a transfer target) under an unused number; answered by `.opened`
  /// with the ports of this leg, or `.legFailed`.
  case attach(MediaSessionID, leg: Int, LegPlan)
  /// A new offer or answer of this leg: addresses, formats, directions and keys are replaced, and its
  /// source may be learned anew. Ports stay; a stream that gets ports only now is answered by `.opened`.
  case update(MediaSessionID, leg: Int, LegPlan)
  /// Lets a leg go: its ports are closed, its final quality comes as `.report`.
  case detach(MediaSessionID, leg: Int)
  /// From now on these two legs hear each other and nobody else.
  case bridge(MediaSessionID, LegPair)
  /// From now on no leg hears another.
  case unbridge(MediaSessionID)
  /// The session may carry media until this moment; earlier than before is obeyed as well.
  case renew(MediaSessionID, until: Instant)
  /// Plays a tone to a leg in place of its peer; answered by `.played` when it is over.
  case play(MediaSessionID, leg: Int, Tone)
  /// Ends a tone early.
  case stopPlaying(MediaSessionID, leg: Int)
  /// Asks for `.report`.
  case inspect(MediaSessionID)
  /// Ends the session; answered by `.closed`, also for a session that never opened.
  case close(MediaSessionID)
  /// The party of these ports, which were let go, was never heard and may begin to send yet: a carrier that still has our INVITE.
  /// Nobody else gets them for as long as ports rest at all.
  case spare(MediaSessionID, LegPorts)
}

/// What the relay tells the switch.
package enum RelayEvent: Hashable, Sendable {
  /// The ports of the legs named by the command (`open`: all; `attach`, `update`: that leg).
  case opened(MediaSessionID, [LegPorts])
  /// The session could not be opened and is gone.
  case failed(MediaSessionID, RelayFailure)
  /// The leg could not be attached (or grow by a stream); the session goes on without.
  case legFailed(MediaSessionID, leg: Int, RelayFailure)
  /// None of the two bridged legs that should send has been heard since that moment; told once until
  /// one is heard again.
  case silent(MediaSessionID, since: Instant)
  /// This bridged leg is not heard although it should send, while its peer is; told once until it is.
  case oneWay(MediaSessionID, leg: Int, since: Instant)
  /// The time of the last `renew` passed: the session is mute until renewed.
  case expired(MediaSessionID)
  /// The tone is over; not completed: stopped, or it could not be played to this leg (no G.711 agreed).
  case played(MediaSessionID, leg: Int, completed: Bool)
  /// How the legs are doing.
  case report(MediaSessionID, [LegQuality])
  /// The session is gone; the final numbers of its legs.
  case closed(MediaSessionID, [LegQuality])
}

/// Why ports could not be had.
package enum RelayFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case portsExhausted(IPAddress)
  case bindFailed(Endpoint, String)
  case tooManyLegs(limit: Int)
  case tooManyStreams(limit: Int)
  case tooManySessions(limit: Int)
  case numberInUse
  case keyRefused

  package var description: String {
    switch self {
    case .portsExhausted(let address):
      "no free media port on \(address): widen the port range or look for calls that never end"
    case .bindFailed(let endpoint, let reason): "cannot bind \(endpoint): \(reason)"
    case .tooManyLegs(let limit): "more than \(limit) legs in one session"
    case .tooManyStreams(let limit): "more than \(limit) media streams in one leg"
    case .tooManySessions(let limit): "more than \(limit) media sessions on this lane"
    case .numberInUse: "the number is in use"
    case .keyRefused: "the SRTP library refused a key"
    }
  }
}

/// Where a leg's media is received, to be written into the SDP it gets.
package struct LegPorts: Hashable, Sendable {
  package struct Pair: Hashable, Sendable {
    package let rtp: UInt16
    package let rtcp: UInt16

    package init(rtp: UInt16, rtcp: UInt16) {
      (self.rtp, self.rtcp) = (rtp, rtcp)
    }
  }

  package let leg: Int
  package let local: IPAddress
  /// In the order of the plan's streams; nil for a rejected one.
  package let streams: [Pair?]

  package init(leg: Int, local: IPAddress, streams: [Pair?]) {
    (self.leg, self.local, self.streams) = (leg, local, streams)
  }
}
