resource "aws_ebs_volume" "v" {
  size      = 10
  encrypted = true
}
resource "aws_security_group" "g" {
  ingress {
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}
