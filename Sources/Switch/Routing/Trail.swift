import Numbering

/// What the router has gone through to find whom a call rings: it ends circles of forwards, and keeps the work
/// of one plan small whatever the directory has in it.
struct Trail: Sendable {
  /// Forwards that one plan looks up, those that lead nowhere included.
  static let lookupLimit = 256

  /// Forwards that the call has behind it.
  var forwards: Int
  /// Inside a step of several extensions: everything that is found rings at once.
  var isInGroup = false
  /// Numbers of ours that are not followed again.
  private var numbers: [PhoneNumber] = []
  private(set) var lookups = 0

  init(forwards: Int) {
    self.forwards = forwards
  }

  /// Follows a forward.
  mutating func follow(limit: Int) throws(RouteRefusal) {
    forwards += 1
    lookups += 1
    guard forwards <= limit, lookups <= Self.lookupLimit else {
      throw RouteRefusal(.loop, "forwarded too often")
    }
  }

  /// Goes on to whom a number of ours rings: not from within, and once for all the members of a group.
  mutating func enter(_ number: PhoneNumber) throws(RouteRefusal) {
    guard !numbers.contains(number) else {
      throw RouteRefusal(.loop, "\(number) was followed already")
    }
    numbers.append(number)
  }

  /// Comes back from there; steps that ring one after the other may lead to the same number.
  mutating func leave(_ number: PhoneNumber) {
    if !isInGroup { numbers.removeAll { $0 == number } }
  }

  /// Comes out of a group that began as `outer`.
  mutating func endGroup(as outer: Trail, forwards most: Int) {
    (forwards, isInGroup) = (most, outer.isInGroup)
    if !isInGroup { numbers = outer.numbers }
  }
}
