import Elements
import SIPSyntax

/// The value of the Date header field, written once a second and not for each answer.
struct DateField: Sendable {
  private var second: Int64?
  private var value: [UInt8] = []

  mutating func value(at time: WallTime) -> [UInt8] {
    if second != time.unixSeconds { (second, value) = (time.unixSeconds, SIPDate(time).serialized) }
    return value
  }
}
