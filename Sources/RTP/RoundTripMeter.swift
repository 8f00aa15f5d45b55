package import Elements

/// Measures the way to a receiver and back from the sender reports it was given (RFC 3550 §6.4.1).
///
/// It remembers when the last few sender reports left, by their NTP time; so it needs no clock of the
/// sender, and works for whoever passed the report on.
package struct RoundTripMeter: Hashable, Sendable {
  private struct Report: Hashable, Sendable {
    let time: UInt32
    let at: Instant
  }

  private var last: Report?
  private var previous: Report?
  /// The last measurement.
  package private(set) var roundTrip: Duration?

  package init() {}

  /// A sender report with this middle NTP time leaves towards the receiver.
  package mutating func sent(_ middleNTP: UInt32, at now: Instant) {
    guard middleNTP != 0 else { return }
    (previous, last) = (last, Report(time: middleNTP, at: now))
  }

  /// A report block of the receiver came.
  package mutating func received(_ block: ReportBlock, at now: Instant) {
    guard block.lastReport != 0,
      let report = [last, previous].lazy.compactMap({ $0 }).first(
        where: { $0.time == block.lastReport })
    else { return }
    let held = Duration.nanoseconds(Int64(block.delay) * 1_000_000_000 / 65_536)
    let measured = now - report.at - held
    // A receiver that claims to have held it longer than it was away is lying or rounding.
    guard measured >= .milliseconds(-5), measured < .seconds(30) else { return }
    roundTrip = max(measured, .zero)
  }
}
