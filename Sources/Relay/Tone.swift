/// A sequence of beeps and pauses that the relay plays to a leg in G.711.
package struct Tone: Hashable, Sendable {
  /// Up to two sine waves for a time; both frequencies zero: silence.
  package struct Segment: Hashable, Sendable {
    package let firstHertz: Int
    package let secondHertz: Int
    package let milliseconds: Int

    package init(_ firstHertz: Int, _ secondHertz: Int = 0, milliseconds: Int) {
      (self.firstHertz, self.secondHertz) = (firstHertz, secondHertz)
      self.milliseconds = milliseconds
    }
  }

  /// At least one; played in order.
  package let segments: [Segment]
  /// How often the segments are played.
  package let repetitions: Int

  package init(_ segments: [Segment], repetitions: Int = 1) {
    (self.segments, self.repetitions) = (segments, max(repetitions, 1))
  }

  /// The credit is nearly used up: three short beeps (ETSI TR 101 041: warning tones at 1,400 Hz).
  package static let warning = Tone(
    [Segment(1400, milliseconds: 200), Segment(0, milliseconds: 200)], repetitions: 3)
  /// The call was ended by us: congestion tone, 425 Hz (ITU-T E.180).
  package static let ended = Tone(
    [Segment(425, milliseconds: 240), Segment(0, milliseconds: 240)], repetitions: 6)
  /// The other side rings: 425 Hz, one second of five (ITU-T E.180), for up to five minutes.
  package static let ringback = Tone(
    [Segment(425, milliseconds: 1000), Segment(0, milliseconds: 4000)], repetitions: 60)
  /// The other side is busy: 425 Hz (ITU-T E.180), for half a minute.
  package static let busy = Tone(
    [Segment(425, milliseconds: 480), Segment(0, milliseconds: 480)], repetitions: 32)
  /// Quiet that keeps NAT bindings and the listener's patience, for up to an hour.
  package static let silence = Tone([Segment(0, milliseconds: 60_000)], repetitions: 60)

  /// The whole playing time.
  package var duration: Duration {
    .milliseconds(segments.reduce(0) { $0 + $1.milliseconds } * repetitions)
  }
}
