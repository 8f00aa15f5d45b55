"""What the tests with real peers stand on: hosts, phones, carriers, mail sinks and the program itself."""
