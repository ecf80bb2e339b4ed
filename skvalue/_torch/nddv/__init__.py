"""The network of `NDDVValuator`, its dynamics and its training."""
