resource "aws_s3_bucket_acl" "m" {
  bucket = "models"
  acl    = "public-read"
}
resource "aws_ebs_volume" "v" {
  size = 10
}
resource "aws_security_group" "g" {
  ingress {
    from_port   = 11434
    to_port     = 11434
    cidr_blocks = ["0.0.0.0/0"]
  }
}
