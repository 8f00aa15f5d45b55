import Elements

extension Bench {
  /// Two registered phones of the office, 101 and 102.
  func twoPhones() -> (caller: UserAgent, callee: UserAgent) {
    let caller = UserAgent(self, user: "101", address: "198.51.100.7:5062")
    let callee = UserAgent(self, user: "102", address: "198.51.100.8:5064")
    caller.register()
    callee.register()
    return (caller, callee)
  }

  /// The same in a call; the called one then answers by hand.
  func twoPhonesTalking() -> (caller: UserAgent, callee: UserAgent) {
    let (caller, callee) = twoPhones()
    callee.manner = .answers(after: .seconds(1))
    caller.call("102")
    run(for: .seconds(3))
    callee.manner = .waits
    return (caller, callee)
  }
}
